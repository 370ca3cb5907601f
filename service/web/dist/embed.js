var k,Ne,Pt,L,be,oe,Ue,ne,Ie,ke,ye,At,K=Symbol.for("pv"),se={},ie=[],zt=/^m(i|n|o|s|text|space)$/,we=Array.isArray,xe=ie.slice,U=Object.assign;function N(e){e&&e.parentNode&&e.remove()}function ae(e,t,n){var r,s,o,a={},c=arguments.length;for(o in t)o=="key"?r=t[o]:o=="ref"&&typeof e!="function"?s=t[o]:a[o]=t[o];return c>2&&(a.children=c>3?xe.call(arguments,2):n),X(e,a,r,s,null)}function X(e,t,n,r,s){var o={type:e,props:t,key:n,ref:r,__k:null,__:null,__b:0,__e:null,__c:null,constructor:K,__v:s||++Ne,__i:-1,__u:0};return!s&&k.vnode&&k.vnode(o),o}function O(e){return e.children}function B(e,t){this.props=e,this.context=t,this.__g=0}function H(e,t){if(t==null)return e.__&&H(e.__,e.__i+1);for(var n;t<e.__k.length;t++)if((n=e.__k[t])&&n.__e)return n.__e;return typeof e.type!="function"||e.props.__P?null:H(e)}function $t(e){var t,n=e.__v,r=n.__e,s=[],o=[],a=e.__P;a&&((t=U({constructor:K},n)).__v=n.__v+1,k.vnode&&k.vnode(t),Se(a,t,n,e.__n,a.namespaceURI,32&n.__u?[r]:null,s,r||H(n),32&n.__u,o),t.__v=n.__v,t.__.__k[t.__i]=t,Xe(s,t,o),n.__=n.__e=null,t.__e!=r&&Be(t))}function Be(e){if((e=e.__)&&e.__c&&!e.props.__P)return e.__e=null,e.__k.some(function(t){return t&&(e.__e=t.__e)}),Be(e)}function je(e){(8&e.__g||(e.__g|=8,L.push(e),oe++))&&be==k.debounceRendering||((be=k.debounceRendering)||queueMicrotask)(Fe)}function Fe(){try{for(var e,t=1;L.length;)L.length>t&&L.sort(Ue),e=L.shift(),t=L.length,8&e.__g&&$t(e)}finally{(oe=L.length)&&(be||queueMicrotask)(Fe)}}function We(e,t,n,r,s,o,a,c,_,p,l){var f,v,i,d,b,h,y=r.__k||ie,g=t.length;for(_=Dt(n,t,y,_,g),f=0;f<g;f++)(i=n.__k[f])!=null&&(v=~i.__i&&y[i.__i]||se,i.__i=f,h=Se(e,i,v,s,o,a,c,_,p,l),d=i.__e,(v.ref!=i.ref||8&v.__u)&&(v.ref&&Ce(v.ref,null,i,v),i.ref&&l.push(i.ref,i.__c||d,i)),b=b||d,4&i.__u?(_=Je(i,_,e,!v.__v),v.__e&&(v.__e=null)):typeof i.type=="function"&&h!==void 0?_=h:d&&(_=d.nextSibling),i.__u&=-21);return n.__e=b,_}function Dt(e,t,n,r,s){var o,a,c,_,p,l,f,v,i,d=n.length,b=d,h=0,y=0,g=e.__k=Array(s);for(o=0;o<s;o++)(a=t[o])!=null&&typeof a!="boolean"&&typeof a!="function"?(typeof a!="object"||a.constructor===String?a=g[o]=X(null,a):we(a)?a=g[o]=X(O,{children:a}):a.constructor===K&&a.__b?a=g[o]=X(a.type,a.props,a.key,a.ref,a.__v):g[o]=a,_=o+h,a.__=e,a.__b=e.__b+1,c=null,~(p=a.__i=Mt(a,n,_,b))&&(b--,(c=n[p])&&(c.__u|=2)),c&&c.__v?(a.__u|=16,p==_-1?h--:p==_+1?h++:p!=_&&(p>_?h--:h++,y=1)):(~p||(s>d?h--:s<d&&h++),typeof a.type!="function"&&(a.__u|=4))):g[o]=null;if(y){for(l=[],f=[],o=0;o<s;o++)if((a=g[o])&&16&a.__u){for(h=0,v=l.length;h<v;)l[i=h+v>>1]<a.__i?h=i+1:v=i;l[h]=a.__i,f[o]=h+1}for(h=l.length;o--;)f[o]&&(f[o]==h?h--:g[o].__u|=4)}if(b)for(o=0;o<d;o++)!(c=n[o])||2&c.__u||(c.__e==r&&(r=H(c)),Ee(c,c));return r}function Je(e,t,n,r){var s,o,a,c;if(typeof e.type=="function"){if(e.props.__P)return t;if(s=e.__k)for(o=0;o<s.length;o++)s[o]&&(s[o].__=e,t=Je(s[o],t,n,!1));return t}for(t&&!t.parentNode&&(t=H(e))&&!t.parentNode&&(t=null),a=e.__e,c=t;c&&c.nodeType==8;)c=c.nextSibling;for(a!=c&&(!r&&n.moveBefore&&a.parentNode?n.moveBefore(a,t):n.insertBefore(a,t||null)),t=a;(t=t&&t.nextSibling)&&t.nodeType==8&&!t.data.startsWith("$s"););return t}function Mt(e,t,n,r){var s,o=e.key,a=e.type,c=t[n],_=c&&!(2&c.__u);if(c===null&&o==null||_&&o==c.key&&a==c.type)return n;if(r>(_?1:0)){for(s=n-1;s>=0;s--)if((c=t[s])&&!(2&c.__u)&&o==c.key&&a==c.type)return s;for(s=n+1;s<t.length;s++)if((c=t[s])&&!(2&c.__u)&&o==c.key&&a==c.type)return s}return-1}function qe(e,t,n){n==null&&(n=""),t[0]=="-"?e.setProperty(t,n):e[t]=n}function te(e,t,n,r,s){var o,a;if(t=="style")if(typeof n=="string")e.style.cssText=n;else{if(typeof r=="string"&&(e.style.cssText=r=""),r)for(t in r)n&&t in n||qe(e.style,t);if(n)for(t in n)r&&n[t]==r[t]||qe(e.style,t,n[t])}else if(t[0]=="o"&&t[1]=="n")typeof n!="function"&&(n=null),typeof r!="function"&&(r=null),(e.__e||(e.__e={}))[t]=n,n&&r||(a=ye[t]||(ye[t]=Rt(t)),(e.__a||(e.__a={}))[t]=ke,o=t!=(t=t.replace(Ie,"$1")),(t=t.slice(2))[0]<"a"&&(t=t.toLowerCase()),n?e.addEventListener(t,a,o):e.removeEventListener(t,a,o));else{if(s=="http://www.w3.org/2000/svg")t=t.replace(/xlink(H|:h)/,"h").replace(/sName$/,"s");else if(t!="width"&&t!="height"&&t!="href"&&t!="list"&&t!="form"&&t!="tabIndex"&&t!="download"&&t!="rowSpan"&&t!="colSpan"&&t!="role"&&t!="popover"&&t in e)try{return void(e[t]=n??"")}catch{}if(typeof n=="function")return;n==null||n===!1&&t[4]!="-"?e.removeAttribute(t):e.setAttribute(t,t=="popover"&&n==1?"":n)}}function Rt(e){return function(t){var n=this.__e;if(n){if(n=n[e],t[ne]==null)t[ne]=ke++;else if(t[ne]<this.__a[e])return;return n(k.event?k.event(t):t)}}}function Se(e,t,n,r,s,o,a,c,_,p){var l,f,v,i,d,b,h,y,g,x,w,M,V,z,A,ee,$,m,S=t.type;if(t.constructor!==K)return null;128&n.__u&&(_=32&n.__u,l=n.__c.__z)&&(t.__u|=_,f=o=[],l.nodeType==8?c=re(l,o):o.push(l),c=o[0]||c),(l=k.__b)&&l(t);e:if(typeof S=="function"){v=a.length;try{if(y=t.props,g=(l=S.prototype)&&l.render,x=(l=S.contextType)&&r[l.__c],w=l?x?x.props.value:l.__:r,(i=n.__c)?(t.__c=i,2&i.__g&&(i.__g|=1)):(g?t.__c=i=new S(y,w):(t.__c=i=new B(y,w),i.constructor=S,i.render=Ht),x&&x.sub(i),i.state||(i.state={}),i.__n=r,i.__g|=8,i.__h=[],i.__k=[]),g&&(i.__s||(i.__s=i.state),S.getDerivedStateFromProps&&(i.__s==i.state&&(i.__s=U({},i.__s)),U(i.__s,S.getDerivedStateFromProps(y,i.__s)))),d=i.props,b=i.state,i.__v=t,n.__c){if(y!==d&&g&&!S.getDerivedStateFromProps&&i.componentWillReceiveProps&&i.componentWillReceiveProps(y,w),t.__v==n.__v&&!(8&i.__g)||!(4&i.__g)&&i.shouldComponentUpdate&&i.shouldComponentUpdate(y,i.__s,w)===!1){t.__v!=n.__v&&(i.props=y,i.state=i.__s,i.__g&=-9),t.__e=n.__e,t.__k=n.__k,t.__k.some(function(T){T&&(T.__=t)}),ie.push.apply(i.__h,i.__k),i.__k=[],i.__h.length&&a.push(i),c=H(n);break e}i.componentWillUpdate&&i.componentWillUpdate(y,i.__s,w),g&&i.componentDidUpdate&&i.__h.push(function(){i.componentDidUpdate(d,b,h)})}else g&&!S.getDerivedStateFromProps&&i.componentWillMount&&i.componentWillMount(),g&&i.componentDidMount&&i.__h.push(i.componentDidMount);i.context=w,i.props=y,i.__P=e,i.__g&=-5,M=k.__r,V=g?25:0;do i.__g&=-9,M&&M(t),l=i.render(i.props,i.state=i.__s,i.context);while(8&i.__g&&++V<25);g&&(ie.push.apply(i.__h,i.__k),i.__k=[]),i.state=i.__s,i.getChildContext&&(r=U({},r,i.getChildContext())),g&&n.__c&&i.getSnapshotBeforeUpdate&&(h=i.getSnapshotBeforeUpdate(d,b)),z=l&&l.type===O&&l.key==null?l.props.children:l,y.__P&&(l=c,s=(e=y.__P).namespaceURI,_=o=null,n.props&&n.props.__P!=e&&(n.__k.some(function(T){T&&Ee(T,T)}),n.__k=null),c=n.__k?H(n,0):null),c=We(e,we(z)?z:[z],t,n,r,s,o,a,c,_,p),y.__P&&(t.__e=null,c=l),t.__u&=-161,f&&f.some(N),i.__h.length&&a.push(i),1&i.__g&&(i.__g&=-4)}catch(T){if(a.length=v,t.__v=null,_||o)if(T&&T.then){if(t.__u|=128|_,o){for(~($=o.indexOf(c||void 0))||($=o.length);(m=o[$-1])&&m.nodeType==8;)$--;for(;$<o.length;$++)if(m=o[$])if(o[$]=null,A){if(m==ee)break}else{if(m.nodeType!=8)break;m.data.startsWith("$s")&&(ee=re(A=m))}}if(!A){for(;c&&c.nodeType==8&&c.nextSibling;)c=c.nextSibling;A=c}(l=re(A=t.__c.__z||(t.__c.__z=A)))?(t.__e=A,c=l):t.__e=c,c=c&&c.nextSibling}else o&&o.some(N);else t.__e=n.__e;t.__k||(t.__k=n.__k||[]),T&&T.then||Ve(t),k.__e(T,t,n)}}else c=t.__e=Lt(n.__e,t,n,r,s,o,a,_,p,e);return(l=k.diffed)&&l(t),c}function re(e,t){if(e&&e.nodeType==8&&e.data.startsWith("$s"))for(var n=1;e=e.nextSibling;){if(e.nodeType==8){if(e.data.startsWith("$s"))n++;else if(e.data.startsWith("/$s")&&!--n)return e}t&&t.push(e)}}function Ve(e){e&&(e.__c&&(e.__c.__g|=4),e.__k&&e.__k.some(Ve))}function Xe(e,t,n){for(var r=0;r<n.length;)Ce(n[r++],n[r++],n[r++]);k.__c&&k.__c(t,e),e.some(function(s){try{e=s.__h,s.__h=[],e.some(function(o){o.call(s)})}catch(o){k.__e(o,s.__v)}})}function Lt(e,t,n,r,s,o,a,c,_,p){var l,f,v,i,d,b,h,y,g=n.props||se,x=t.props,w=t.type;if(w=="svg"?s="http://www.w3.org/2000/svg":w=="math"?s="http://www.w3.org/1998/Math/MathML":s||(s="http://www.w3.org/1999/xhtml"),o){for(l=0;l<o.length;l++)if((d=o[l])&&(w?d.localName==w:d.nodeType==3)){e=d,o[l]=null;break}}if(!e){if(y=p.ownerDocument||document,!w)return y.createTextNode(x);e=y.createElementNS(s,w,x.is?x:p),c&&(k.__m&&k.__m(t,o),c=!1),o=null}if(w){if(p=w=="template"&&e.content||e,o=w=="textarea"&&x.defaultValue!=null?null:o&&xe.call(p.childNodes),!c&&o)for(g={},l=0;l<e.attributes.length;l++)g[(d=e.attributes[l]).name]=d.value;for(l in g)d=g[l],l=="dangerouslySetInnerHTML"?v=d:l=="children"||l in x||l=="value"&&"defaultValue"in x||l=="checked"&&"defaultChecked"in x||te(e,l,null,d,s);for(l in x)d=x[l],l=="children"?i=d:l=="dangerouslySetInnerHTML"?f=d:l=="value"?b=d:l=="checked"?h=d:c&&typeof d!="function"||g[l]===d||te(e,l,d,g[l],s);f?(c||v&&(f.__html==v.__html||f.__html==e.innerHTML)||(e.innerHTML=f.__html),t.__k=[]):(v&&(e.textContent=""),(w=="foreignObject"||s=="http://www.w3.org/1998/Math/MathML"&&zt.test(w))&&(s="http://www.w3.org/1999/xhtml"),We(p,we(i)?i:[i],t,n,r,s,o,a,o?o[0]:n.__k&&H(n,0),c,_),o&&o.some(N)),c&&w!="textarea"||(l="value",w=="progress"&&b==null?e.removeAttribute(l):b==null||b===e[l]&&(w!="progress"||b)||te(e,l,b,g[l],s),l="checked",h!=null&&h!=e[l]&&te(e,l,h,g[l],s))}else g===x||c&&e.data==x||(e.data=x);return e}function Ce(e,t,n,r){try{typeof e=="function"?t?t.__x=e(t)||1:r&&(r=r.__c||r.__e)&&(t=r.__x)&&(r.__x=null,typeof t=="function"?t():e(null)):e.current=t}catch(s){k.__e(s,n)}}function Ee(e,t,n){var r,s,o,a;if(k.unmount&&k.unmount(e),!(r=e.ref)||r.current&&r.current!=e.__e||Ce(r,null,t,e),r=e.__c){if(r.componentWillUnmount)try{r.componentWillUnmount()}catch(c){k.__e(c,t)}r.__P=r.__n=null}if(r=e.__k)for(a=0;a<r.length;a++)r[a]&&Ee(r[a],t,typeof e.type!="function"||n&&!e.props.__P);!n&&(r=e.__c)&&(r=r.__z)&&(s=re(r,o=[]))&&(r==e.__e&&o.some(N),N(s),N(r)),n||N(e.__e),e.__e=e.__c=e.__=null}function Ht(e,t,n){return this.constructor(e,n)}function Te(e,t){var n,r,s,o;k.__&&k.__(e,t),t.nodeType==9&&(t=t.documentElement),r=(n=e&&32&e.__u)?null:t.__k,t.__k=X(O,{children:[e]}),s=[],o=[],Se(t,t.__k,r||se,se,t.namespaceURI,r?null:t.firstChild?xe.call(t.childNodes):null,s,r?r.__e:t.firstChild,n,o),Xe(s,t.__k,o),t.__k.props.children=null}k={__e:function(e,t,n,r){for(var s,o,a;t=t.__;)if((s=t.__c)&&!(1&s.__g)){s.__g|=4;try{if((a=(o=s.constructor)&&o.getDerivedStateFromError)&&s.setState(o.getDerivedStateFromError(e)),s.componentDidCatch&&(s.componentDidCatch(e,r||{}),a=1),a&&8&s.__g)return void(s.__g|=2)}catch(c){e=c}}throw oe=0,e}},Ne=0,Pt=function(e){return e!=null&&e.constructor===K},B.prototype.setState=function(e,t){var n=this.__s;n&&n!=this.state||(n=this.__s=U({},this.state)),typeof e=="function"&&(e=e(U({},n),this.props)),e&&(U(n,e),this.__v&&(t&&this.__k.push(t),je(this)))},B.prototype.forceUpdate=function(e){this.__v&&(this.__g|=4,e&&this.__h.push(e),je(this))},B.prototype.render=O,L=[],oe=0,Ue=function(e,t){return e.__v.__b-t.__v.__b},ne=Symbol(),Ie=/(PointerCapture)$|Capture$/i,ke=0,ye={},At=0;var P=class extends Error{constructor(n,r){super(r);this.status=n}status;get needsKey(){return this.status===401}},Ot={401:"需要访问密钥。",403:"当前密钥没有这项权限。",404:"没有找到。",408:"网络太慢，请求没有按时送达，请重试。",413:"内容太长。",422:"这个问题或筛选条件无法处理，请修改后再试。",429:"提问太频繁，请稍等片刻再试。",500:"服务出错了，请稍后重试。",503:"服务正忙或正在启动，请稍后重试。",504:"这个问题用时太长，已经中止，请换个更具体的问法。"},F=e=>e instanceof DOMException&&e.name==="AbortError",G=e=>e instanceof Error?e.message:String(e),ce=class{constructor(t="",n=()=>"",r=()=>""){this.base=t;this.credential=n;this.user=r}base;credential;user;async send(t,n={}){let r=new Headers(n.headers),s=this.credential();s&&r.set("Authorization",`Bearer ${s}`);let o=this.user();o&&r.set("X-Zhengwen-User",String.fromCharCode(...new TextEncoder().encode(o)));let a;try{a=await fetch(this.base+t,{...n,headers:r,credentials:"same-origin"})}catch(c){throw F(c)?c:new P(0,"连不上服务，请检查网络后重试。")}if(!a.ok)throw await jt(a);return a}async get(t,n){return Ke(await this.send(t,n?{signal:n}:{}))}async call(t,n,r){let s={method:t};r!==void 0&&Object.assign(s,Pe(r));let o=await this.send(n,s);return o.status===204?void 0:Ke(o)}async file(t,n){let r=n===void 0?{}:{method:"POST",...Pe(n)};return(await this.send(t,r)).blob()}async ask(t,n={},r){let s={method:"POST",...Pe({...t,stream:!0})};r&&(s.signal=r);let o=await this.send("/api/ask",s);for await(let{name:a,data:c}of qt(o))if(a==="passages")n.passages?.(c.passages);else if(a==="sentence"){let{text:_,citations:p}=c;n.sentence?.(_,p)}else{if(a==="answer")return c;if(a==="error"){let _=c;throw new P(_.status??500,Ye(_.status??500,_.detail))}}throw new P(0,Ge)}},Ge="回答中途断开，没有全部送到，请重试。",Pe=e=>({headers:{"Content-Type":"application/json"},body:JSON.stringify(e)});async function Ke(e){try{return await e.json()}catch(t){throw F(t)?t:new P(0,"服务的回复没有全部送到，请重试。")}}async function jt(e){let t=await e.json().catch(()=>null),n=t&&typeof t=="object"&&"detail"in t?t.detail:void 0;return new P(e.status,Ye(e.status,n))}function Ye(e,t){let n=typeof t=="string"?t:"";if(new RegExp("\\p{Script=Han}","u").test(n))return n;let r=Ot[e]??`服务没有给出可用的回复（${e}），请稍后重试。`;return n&&e===422?`${r}（${n}）`:r}async function*qt(e){let t=e.body.pipeThrough(new TextDecoderStream).getReader(),n="";try{for(;;){let{value:r,done:s}=await t.read();if(s)return;n+=r;let o=n.split(`

`);n=o.pop();for(let a of o){let c=Nt(a);c&&(yield c)}}}catch(r){throw F(r)||r instanceof P?r:new P(0,Ge)}finally{t.cancel().catch(()=>{})}}function Nt(e){let t="message",n=[];for(let r of e.split(`
`))r.startsWith("event:")?t=r.slice(6).trim():r.startsWith("data:")&&n.push(r.slice(5));return n.length?{name:t,data:JSON.parse(n.join(`
`))}:null}var Ut=60,It=15,le=class{constructor(t){this.ask=t}ask;token="";tokenEndpoint="";ends=1/0;renewing=null;waiting=null;use(t,n=1/0){this.token=t,this.ends=Date.now()+1e3*n,t&&this.waiting?.()}async run(t,n){(this.token?Date.now()>this.ends-1e3*Ut:this.tokenEndpoint)&&await this.renew();let r=this.token;try{return await n(t)}catch(s){if(!(s instanceof P&&s.needsKey))throw s;return r===this.token&&await this.renew(),n(t)}}renew(){return this.renewing??=(this.tokenEndpoint?this.fetched():this.given()).finally(()=>this.renewing=null),this.renewing}async fetched(){let t;try{let n=await fetch(this.tokenEndpoint,{method:"POST",credentials:"same-origin"});if(!n.ok)throw new Error(String(n.status));t=await n.json()}catch{throw new P(401,"没有取得访问令牌，请刷新页面或重新登录后再试。")}this.use(t.token,t.expires_in??1/0)}given(){return new Promise((t,n)=>{let r=setTimeout(()=>{this.waiting=null,n(new P(401,"访问令牌已过期，请刷新页面后再试。"))},1e3*It);this.waiting=()=>{clearTimeout(r),this.waiting=null,t()},this.ask(s=>this.use(s))})}};var W,E,Ae,Ze,ze=Object.is,ue=0,at=[],$e=[],C=k,Qe=C.__b,et=C.__r,tt=C.diffed,nt=C.__c,rt=C.unmount,ot=C.__;function _e(e,t){C.__h&&C.__h(E,e,ue||t),ue=0;var n=E.__H||(E.__H={__:[],__h:[]});return e>=n.__.length&&n.__.push({}),n.__[e]}function R(e){return ue=1,Bt(lt,e)}function Bt(e,t,n){var r=_e(W++,2);if(r.t=e,!r.__c&&(r.__=[n?n(t):lt(void 0,t),function(o){var a=(r.__N||r.__)[0],c=r.t(a,o);ze(a,c)||(r.__N=[c,r.__[1]],r.__c.setState({}))}],r.__c=E,!E.__f)){E.__f=!0;var s=E.shouldComponentUpdate;E.shouldComponentUpdate=function(o,a,c){var _=this.__H;if(!_)return!0;var p=!1,l=this.props!=o;if(_.__.some(function(v){v.__N&&(p=!0,ze(v.__[0],v.__N[0])||(l=!0))}),s){var f=s.call(this,o,a,c);return p?f||l:f}return!p||l}}return r.__}function J(e,t){var n=_e(W++,3);!C.__s&&ct(n.__H,t)&&(n.__P=!0,n.__=e,n.u=t,E.__H.__h.push(n))}function I(e){return ue=5,pe(function(){return{current:e}},[])}function pe(e,t){var n=_e(W++,7);return ct(n.__H,t)&&(n.__=e(),n.__H=t),n.__}function Me(){var e=_e(W++,11);if(!e.__){for(var t=E.__v;!t.__m&&t.__;)t=t.__;var n=t.__m||(t.__m=[0,0]);e.__="P"+n[0]+"-"+n[1]++}return e.__}function Ft(){var e;do{for(;e=$e.shift();)try{Y(e)}catch(n){C.__e(n,{__:(e=e.__P)&&e.__v})}for(;e=at.shift();){var t=e.__H;if(e.__P&&t)try{t.__h.some(Y),t.__h.some(De),t.__h=[]}catch(n){t.__h=[],C.__e(n,e.__v)}}}while($e.length)}C.__b=function(e){E=null,Qe&&Qe(e)},C.__=function(e,t){e&&t.__k&&t.__k.__m&&(e.__m=t.__k.__m),ot&&ot(e,t)},C.__r=function(e){et&&et(e),W=0;var t=(E=e.__c).__H;t&&(Ae==E?E.__h=[]:(t.__h.some(Y),t.__h.some(De),W=0),t.__h=[],t.__.some(function(n){n.__N&&(n.__=n.__N),n.u=n.__N=void 0})),Ae=E},C.diffed=function(e){tt&&tt(e);var t=e.__c;t&&t.__H&&(t.__H.__h.length&&it(at.push(t)),t.__H.__.some(function(n){n.u&&(n.__H=n.u)})),Ae=E=null},C.__c=function(e,t){t.some(function(n){try{n.__h.some(Y),n.__h=n.__h.filter(function(r){return!r.__||De(r)})}catch(r){n.__h=[function(){throw r}]}}),nt&&nt(e,t)},C.unmount=function(e){rt&&rt(e);var t,n,r=e.__c;r&&r.__H&&(r.__H.__.some(function(s){try{if(s.__P&&s.__c){if(n===void 0){for(n=e.__;n&&(!n.__c||!n.__c.__P);)n=n.__;n=n&&n.__c}s.__P=n,it($e.push(s))}else Y(s)}catch(o){t=o}}),r.__H=void 0,t&&C.__e(t,r.__v))};var st=typeof requestAnimationFrame=="function";function Wt(e){var t,n=function(){clearTimeout(r),st&&cancelAnimationFrame(t),setTimeout(e)},r=setTimeout(n,35);st&&(t=requestAnimationFrame(n))}function it(e){e!=1&&Ze==C.requestAnimationFrame||((Ze=C.requestAnimationFrame)||Wt)(Ft)}function Y(e){var t=E,n=e.__c;typeof n=="function"&&(e.__c=void 0,n()),E=t}function De(e){var t=E;e.__c=e.__(),E=t}function ct(e,t){return!e||e.length!=t.length||t.some(function(n,r){return!ze(n,e[r])})}function lt(e,t){return typeof t=="function"?t(e):t}function ut(e,t){return class extends B{shouldComponentUpdate(n){return!t(this.props,n)}render(n){return ae(e,n)}}}var Jt=Symbol.for("pv"),Vt=0;function u(e,t,n,r,s,o){t||(t={});var a,c,_=t;if("ref"in _&&typeof e!="function")for(c in _={},t)c=="ref"?a=t[c]:_[c]=t[c];var p={type:e,props:_,key:n,ref:a,__k:null,__:null,__b:0,__e:null,__c:null,constructor:Jt,__v:--Vt,__i:-1,__u:0};return(s||o)&&(p.__source=s,p.__self=o),k.vnode&&k.vnode(p),p}var pt=/^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/;function Xt(e){if(e.startsWith("|")&&e.trimEnd().length>1){let t=[...e.matchAll(new RegExp("(?<!\\\\)\\|","g"))].map(n=>n.index);return e.trimEnd().endsWith("|")?t.slice(0,-1):t}return e.includes("	")?[0,...[...e.matchAll(/\t/g)].map(t=>t.index)]:null}function dt(e,t){let n=new Map(t.map(a=>[a.start,a.depth])),r=[],s=0,o=-1;for(let a of e.split(`
`)){if(a.trim()){let c=n.get(s)??0,_=c?null:Xt(a),p={start:s,text:a,depth:c,cells:_},l=r.at(-1);_&&l?.isTable&&s===o+1?l.lines.push(p):r.push({lines:[p],isTable:_!==null}),o=s+a.length}s+=a.length+1}return r}function Kt(e,t){let n=t?/(^#{1,6}\s+|\*\*)/:/(\*\*)/;return e.split(n).map((r,s)=>r&&s%2?u("span",{class:"sign",children:r}):r)}function de(e,t,n,r){let s=[],o=t,a=(_,p)=>{if(_<=o)return;let l=Kt(e.text.slice(o,_),o===0);s.push(p?u("mark",{class:p.kind,"data-line":e.start,children:l}):u(O,{children:l})),o=_},c=new Set;for(let _ of r)for(let p of[_.start-e.start,_.end-e.start])p>t&&p<n&&c.add(p);for(let _ of[...c,n].sort((p,l)=>p-l)){let p=e.start+o,l=r.filter(f=>f.start<=p&&p<f.end);a(_,l.find(f=>f.kind==="current")??l.find(f=>f.kind==="cited")??l[0])}return s}function Gt({line:e,isHead:t,spans:n}){let r=e.cells;return u("tr",{"data-start":e.start,class:pt.test(e.text)?"sign":void 0,children:r.map((s,o)=>{let a=r[o+1]??e.text.length,c=/^[|\t]\s*/.exec(e.text.slice(s,a))?.[0].length??0,_=a-(/\s*\|?\s*$/.exec(e.text.slice(s+c,a))?.[0].length??0),p=[u("span",{class:"sign",children:de(e,s,s+c,n)}),de(e,s+c,Math.max(_,s+c),n),u("span",{class:"sign",children:de(e,Math.max(_,s+c),a,n)})];return t?u("th",{scope:"col",children:p}):u("td",{children:p})})})}function Yt({block:e,spans:t}){let n=e.lines[0];if(e.isTable){let o=e.lines[1]!==void 0&&pt.test(e.lines[1].text);return u("div",{class:"table",tabIndex:0,role:"region","aria-label":"表格",children:u("table",{children:e.lines.map((a,c)=>u(Gt,{line:a,isHead:o&&c===0,spans:t},a.start))})})}let r=de(n,0,n.text.length,t);if(!n.depth)return u("p",{"data-start":n.start,class:/^\s*[-*•]\s/.test(n.text)?"item":void 0,children:r});let s=`h${Math.min(n.depth+2,6)}`;return u(s,{"data-start":n.start,tabIndex:-1,children:r})}var Zt=(e,t)=>e.length===t.length&&e.every((n,r)=>n.start===t[r].start&&n.end===t[r].end&&n.kind===t[r].kind),Qt=ut(Yt,(e,t)=>e.block===t.block&&Zt(e.spans,t.spans)),_t=[];function ft({blocks:e,spans:t}){return u("div",{class:"document",children:e.map(n=>{let r=n.lines[0].start,s=n.lines.at(-1),o=s.start+s.text.length,a=t.length?t.filter(c=>c.start<o&&c.end>r):_t;return u(Qt,{block:n,spans:a.length?a:_t},r)})})}var en={in_force:"现行有效",not_yet:"尚未施行",repealed:"已废止",amended:"已修订",unknown:"效力未知"},Re=e=>en[e]??e,j=e=>e.replaceAll("**","");function Le(e,t){let n=j(e).replace(/^(?:#+|[-*•])\s+/gm,"").replace(/\s*\n\s*/g," ").trim(),r=Array.from(n);return r.length>t?`${r.slice(0,t).join("")}…`:n}function fe(e){let[,t,n,r]=/^(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?$/.exec(e)??[];return t?`${t}年${n?`${Number(n)}月`:""}${r?`${Number(r)}日`:""}`:e}function he(e){let t=[];e.sheet&&t.push(`工作表“${e.sheet}”`),e.slide!=null&&t.push(`第${e.slide}张幻灯片`),e.page!=null&&t.push(`第${e.page}页`),e.row!=null&&t.push(`第${e.row}行`),e.paragraph!=null&&t.push(`第${e.paragraph}段`);let{line_start:n,line_end:r}=e;return!t.length&&n&&t.push(!r||n===r?`第${n}行`:`第${n}–${r}行`),t.join(" ")}var me=(...e)=>e.filter(Boolean).join(" · "),He=e=>e.map(j).join(" › "),ht=e=>me(e.issuer,e.region,fe(e.published),e.period,e.kind),tn=e=>e.includes("《")?e:`《${e}》`;function mt(e,t){let n=`/d/${e.split("/").map(encodeURIComponent).join("/")}`;return t?`${n}#char=${t.start},${t.end}`:n}function nn(e,t=""){let n=[t,He(e.section),he(e.origin),fe(e.published)],r=e.validity==="unknown"?"":Re(e.validity);return`${[tn(e.title),...n,r].filter(Boolean).join("，")}。原文：“${j(e.quote).replace(/\s*\n\s*/g," ")}”`}function gt(e,t=()=>""){let n=e.citations.map(s=>`[${s.marker}] ${nn(s,t(s.doc_id))}`);return[...[`问：${e.question}`,`答：${j(e.answer)}`],...n.length?["","注释",...n]:[]].join(`
`)}function Oe(e,t){let n=[],r=0,s=0;for(let o of t){for(;s<o&&r<e.length;)r+=e.codePointAt(r)>65535?2:1,s+=1;n.push(r)}return n}async function vt(e){try{return await navigator.clipboard.writeText(e),!0}catch{let t=document.createElement("textarea");t.value=e,t.className="sr",document.body.append(t),t.select();let n=document.execCommand("copy");return t.remove(),n}}var rn=5;function bt({api:e,access:t,heading:n,placeholder:r,greeting:s,examples:o,hasLinks:a,tell:c}){let[_,p]=R([]),[l,f]=R(""),[v,i]=R(!1),[d,b]=R(""),[h,y]=R(null),g=I(null),x=I(null),w=I(null),M=I(null),V=Me();J(()=>()=>g.current?.abort(),[]),J(()=>{let m=w.current?.querySelector("article:last-of-type");m&&(w.current.scrollTop=m.offsetTop-12)},[_.length,_.at(-1)?.answer]);let z=(m,S)=>p(T=>T.map(q=>q.id===m?{...q,...S(q)}:q));async function A(m){if(!m.trim()||g.current)return;let S=Date.now(),T=ln(_),q=new AbortController;g.current=q,f(""),i(!0),b("正在查找依据。"),p(D=>[...D,{id:S,question:m,sentences:[],answer:null,problem:null,isStopped:!1}]);try{let D=await t.run(e,xt=>{z(S,()=>({sentences:[]}));let St=(Ct,Et)=>z(S,Tt=>({sentences:[...Tt.sentences,{text:Ct,citations:Et}]}));return xt.ask({question:m,history:T},{sentence:St},q.signal)});z(S,()=>({answer:D})),b(un(D)),c("zhengwen-answer",D)}catch(D){F(D)?(z(S,()=>({isStopped:!0})),b("已停止。")):(z(S,()=>({problem:G(D)})),b(G(D)),c("zhengwen-error",{message:G(D)}))}finally{g.current=null,i(!1)}}function ee(m,S){M.current=S,y(m)}J(()=>{h||!M.current||((M.current.isConnected?M.current:x.current)?.focus(),M.current=null)},[h]);function $(m){m.isComposing||(m.key==="Enter"&&!m.shiftKey?(m.preventDefault(),A(l)):m.key==="ArrowUp"&&!l&&_.length&&(m.preventDefault(),f(_.at(-1).question)))}return u("section",{class:"chat",part:"chat","aria-label":n,onKeyDown:m=>{m.key!=="Escape"||m.isComposing||(h?y(null):g.current?.abort())},children:[u("header",{part:"header",children:[u("h2",{children:n}),_.length>0&&u("button",{type:"button",class:"quiet",onClick:()=>{g.current?.abort(),p([]),y(null),x.current?.focus()},children:"新对话"})]}),u("div",{class:"body",children:[u("div",{class:"log",ref:w,tabIndex:0,role:"region","aria-label":"问答记录",inert:h!==null,children:[_.length===0&&u("div",{class:"welcome",children:[u("p",{children:s}),o.length>0&&u("ul",{children:o.map(m=>u("li",{children:u("button",{type:"button",class:"example",onClick:()=>{A(m)},children:m})},m))})]}),_.map(m=>u(on,{exchange:m,base:a?e.base:null,onOpen:ee,onRetry:()=>{A(m.question)},isBusy:v},m.id))]}),h&&u(an,{citation:h,api:e,access:t,onClose:()=>y(null)})]}),u("form",{part:"form",onSubmit:m=>{m.preventDefault(),v?g.current?.abort():A(l)},children:[u("label",{class:"sr",for:V,children:"问题"}),u("textarea",{id:V,ref:x,rows:1,maxLength:2e3,placeholder:r,value:l,onInput:m=>f(m.currentTarget.value),onKeyDown:$}),u("button",{type:"submit",class:"send",disabled:!v&&!l.trim(),children:v?"停止":"提问"})]}),u("p",{class:"sr",role:"status","aria-live":"polite",children:d})]})}function on({exchange:e,base:t,isBusy:n,onOpen:r,onRetry:s}){let{answer:o,problem:a,isStopped:c}=e,[_,p]=R(""),l=new Map((o?.citations??[]).map(i=>[i.marker,i])),f=o?.status??(a?"failed":c?"stopped":"busy"),v=o?.sentences??e.sentences.map(({text:i,citations:d})=>({text:cn(i,d),citations:d}));return u("article",{"data-status":f,"aria-busy":f==="busy",children:[u("p",{class:"question",children:e.question}),u("div",{class:"answer",children:[o?.understood&&u("p",{class:"soft",children:["理解为：",o.understood]}),o?.notice&&u("p",{class:"notice",children:o.notice}),v.map((i,d)=>u("p",{children:[j(i.text),i.citations.map(b=>{let h=l.get(b);return h?u("button",{type:"button",class:"marker","data-marker":b,"aria-label":`引用${b}：${h.title}，打开原文`,title:Le(h.quote,120),onClick:y=>r(h,y.currentTarget),children:b},b):u("span",{class:"marker",children:b},b)})]},d)),o&&o.sentences.length===0&&o.answer.split(`
`).map((i,d)=>u("p",{children:i},d)),o?.status==="partial"&&o.reason&&u("p",{class:"soft",children:["以上回答不完整：",o.reason,"。"]}),f==="busy"&&u("p",{class:"soft working",children:v.length?"正在核对下一句…":"正在查找依据…"}),c&&u("p",{class:"soft",children:"已停止。"}),a&&u("p",{class:"problem",role:"alert",children:a})]}),o&&o.citations.length>0&&u("details",{class:"sources",children:[u("summary",{children:["出处（",o.citations.length,"）"]}),u("ol",{children:o.citations.map(i=>u("li",{value:i.marker,children:[u(sn,{citation:i}),u("blockquote",{children:Le(i.quote,300)}),u("button",{type:"button",class:"quiet",onClick:d=>r(i,d.currentTarget),children:"对照原文"}),t!==null&&u("a",{class:"quiet",href:t+mt(i.doc_id,i),target:"_blank",rel:"noopener noreferrer",children:"在新窗口打开"})]},i.marker))})]}),f!=="busy"&&u("p",{class:"actions",children:[o&&u("button",{type:"button",class:"quiet",onClick:()=>{vt(gt(o)).then(i=>p(i?"已复制":"复制不了"))},children:_||"复制（带出处）"}),(a||c)&&u("button",{type:"button",class:"quiet",disabled:n,onClick:s,children:"重试"})]})]})}function sn({citation:e}){return u("p",{class:"about",children:[u("strong",{children:e.title}),u("span",{children:me(fe(e.published),He(e.section),he(e.origin))}),e.validity!=="unknown"&&u("span",{class:"badge","data-validity":e.validity,children:Re(e.validity)})]})}function an({citation:e,api:t,access:n,onClose:r}){let[s,o]=R(null),[a,c]=R(""),_=I(null),p=I(null),l=Me();J(()=>{let i=new AbortController,d=`/api/documents/${e.doc_id.split("/").map(encodeURIComponent).join("/")}`;return n.run(t,b=>b.get(d,i.signal)).then(o,b=>F(b)||c(G(b))),_.current?.focus(),()=>i.abort()},[e]);let f=pe(()=>{if(!s)return[];let i=Oe(s.text,s.outline.map(d=>d.start));return dt(s.text,s.outline.map(({depth:d},b)=>({depth:d,start:i[b]})))},[s]),v=pe(()=>{if(!s)return[];let[i,d]=Oe(s.text,[e.start,e.end]);return[{start:i,end:d,kind:"cited"}]},[s,e]);return J(()=>{let i=p.current?.querySelector("mark");i&&(p.current.scrollTop=i.offsetTop-p.current.clientHeight/3)},[f,v]),u("div",{class:"source",ref:_,role:"dialog","aria-labelledby":l,tabIndex:-1,children:[u("div",{class:"source-head",children:[u("div",{children:[u("h3",{id:l,children:e.title}),u("p",{class:"soft",children:me(s&&ht(s),he(e.origin))})]}),u("button",{type:"button",class:"quiet",onClick:r,children:"关闭"})]}),u("div",{class:"source-text",ref:p,tabIndex:0,role:"region","aria-label":"原文",children:[a&&u("p",{class:"problem",role:"alert",children:a}),!s&&!a&&u("p",{class:"soft",children:"正在打开原文…"}),s&&u(ft,{blocks:f,spans:v})]})]})}var cn=(e,t)=>{let n=t.map(s=>`[${s}]`).join(""),r=e.trimEnd();return n&&r.endsWith(n)?r.slice(0,-n.length):r},ln=e=>e.filter(t=>t.answer).slice(-rn).flatMap(t=>[{role:"user",content:t.question},{role:"assistant",content:t.answer.answer}]);function un(e){if(e.status==="refused")return j(e.answer);let t=e.sentences.map(n=>j(n.text)).join("");return`${e.notice??""}${t} 共${e.citations.length}处出处。`}var yt=`:host {
  --paper: var(--zhengwen-paper, #ffffff);
  --sunken: var(--zhengwen-sunken, #f3f2ee);
  --ink: var(--zhengwen-ink, #1b2126);
  --soft: var(--zhengwen-soft, #545e67);
  --line: var(--zhengwen-line, #dcdbd4);
  --accent: var(--zhengwen-accent, #1d4f7c);
  --accent-ink: var(--zhengwen-accent-ink, #ffffff);
  --wash: var(--zhengwen-wash, #e5edf5);
  --mark: var(--zhengwen-mark, #ffe48f);
  --mark-ink: var(--zhengwen-mark-ink, #1b2126);
  --alert: var(--zhengwen-alert, #a3352b);
  --help: #7c500d;
  --help-wash: #faf2e0;
  --good: #2c6a4b;
  --good-wash: #e6f1ea;
  --radius: var(--zhengwen-radius, 10px);
  --font: var(--zhengwen-font, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", system-ui, sans-serif);
  display: block;
  height: 36rem;
  min-height: 20rem;
  color-scheme: light;
}

@media (prefers-color-scheme: dark) {
  :host(:not([theme="light"])) {
    --paper: var(--zhengwen-paper, #1a1e22);
    --sunken: var(--zhengwen-sunken, #23282d);
    --ink: var(--zhengwen-ink, #e4e6e7);
    --soft: var(--zhengwen-soft, #a2abb3);
    --line: var(--zhengwen-line, #3a4148);
    --accent: var(--zhengwen-accent, #92bee8);
    --accent-ink: var(--zhengwen-accent-ink, #0e1a26);
    --wash: var(--zhengwen-wash, #1f2f3f);
    --mark: var(--zhengwen-mark, #6a5110);
    --mark-ink: var(--zhengwen-mark-ink, #fff4cf);
    --alert: var(--zhengwen-alert, #f29b90);
    --help: #e3b96d;
    --help-wash: #2b2517;
    --good: #8fcfab;
    --good-wash: #1d3128;
    color-scheme: dark;
  }
}

:host([theme="dark"]) {
  --paper: var(--zhengwen-paper, #1a1e22);
  --sunken: var(--zhengwen-sunken, #23282d);
  --ink: var(--zhengwen-ink, #e4e6e7);
  --soft: var(--zhengwen-soft, #a2abb3);
  --line: var(--zhengwen-line, #3a4148);
  --accent: var(--zhengwen-accent, #92bee8);
  --accent-ink: var(--zhengwen-accent-ink, #0e1a26);
  --wash: var(--zhengwen-wash, #1f2f3f);
  --mark: var(--zhengwen-mark, #6a5110);
  --mark-ink: var(--zhengwen-mark-ink, #fff4cf);
  --alert: var(--zhengwen-alert, #f29b90);
  --help: #e3b96d;
  --help-wash: #2b2517;
  --good: #8fcfab;
  --good-wash: #1d3128;
  color-scheme: dark;
}

:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
h2, h3, h4, h5, h6, p, ul, ol, blockquote { margin: 0; padding: 0; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.soft { color: var(--soft); font-size: 0.9em; }

.chat {
  display: flex;
  flex-direction: column;
  height: 100%;
  overflow: hidden;
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--paper);
  color: var(--ink);
  font: 1rem/1.7 var(--font);
  text-align: left;
}

header {
  display: flex;
  align-items: center;
  justify-content: space-between;
  gap: 1rem;
  min-height: 3rem;
  padding: 0.4rem 0.6rem 0.4rem 1rem;
  border-bottom: 1px solid var(--line);
}
header h2 { font-size: 1.02rem; font-weight: 650; }

.body { position: relative; flex: 1; min-height: 0; }
.log { position: relative; height: 100%; padding: 1rem; overflow-y: auto; overscroll-behavior: contain; }
.log:focus-visible, .source-text:focus-visible, .source:focus-visible { outline-offset: -2px; }
.source:focus { outline: none; }

.welcome { color: var(--soft); }
.welcome ul { display: grid; gap: 0.5rem; margin-top: 1rem; list-style: none; }
.example {
  width: 100%;
  padding: 0.55rem 0.8rem;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: none;
  color: var(--ink);
  text-align: left;
}
.example:hover { border-color: var(--accent); background: var(--wash); }

article + article { margin-top: 1.4rem; }
.question {
  width: fit-content;
  max-width: 88%;
  margin-left: auto;
  padding: 0.45rem 0.8rem;
  border-radius: 12px 12px 3px 12px;
  background: var(--wash);
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.answer { margin-top: 0.75rem; overflow-wrap: anywhere; }
.answer p + p { margin-top: 0.5rem; }
article[data-status="refused"] .answer { padding: 0.7rem 0.9rem; border-radius: 8px; background: var(--help-wash); }
.notice { padding: 0.4rem 0.7rem; border-radius: 6px; background: var(--help-wash); color: var(--help); }
.problem { color: var(--alert); }
.working::after { content: ""; display: inline-block; width: 0.5em; height: 0.5em; margin-left: 0.5em; border-radius: 50%; background: var(--accent); animation: pulse 1.2s infinite; }
@keyframes pulse { 50% { opacity: 0.2; } }
@media (prefers-reduced-motion: reduce) { .working::after { animation: none; } }

.marker {
  min-width: 1.55em;
  margin: 0 0.12em;
  padding: 0 0.4em;
  border: 0;
  border-radius: 6px;
  background: var(--wash);
  color: var(--accent);
  font-size: 0.78em;
  font-weight: 650;
  line-height: 1.75;
  vertical-align: 0.12em;
}
button.marker:hover { background: var(--accent); color: var(--accent-ink); }

.quiet {
  padding: 0.2rem 0.55rem;
  border: 0;
  border-radius: 6px;
  background: none;
  color: var(--accent);
  font-size: 0.88rem;
  text-decoration: none;
  white-space: nowrap;
}
.quiet:hover { background: var(--wash); }
.quiet:disabled { color: var(--soft); cursor: default; }

.sources { margin-top: 0.7rem; border: 1px solid var(--line); border-radius: 8px; }
.sources summary { padding: 0.35rem 0.8rem; color: var(--soft); font-size: 0.9rem; cursor: pointer; }
.sources ol { padding: 0 0.9rem 0.6rem 2.2rem; }
.sources li + li { margin-top: 0.8rem; }
.sources li::marker { color: var(--accent); font-weight: 650; }
.about { font-size: 0.92rem; }
.about span { margin-left: 0.6em; color: var(--soft); font-size: 0.93em; }
.badge { padding: 0 0.5em; border-radius: 99px; background: var(--sunken); }
.about .badge[data-validity="in_force"] { background: var(--good-wash); color: var(--good); }
.about .badge[data-validity="not_yet"], .about .badge[data-validity="amended"] { background: var(--help-wash); color: var(--help); }
.about .badge[data-validity="repealed"] { color: var(--alert); }
blockquote { margin: 0.25rem 0; padding-left: 0.7rem; border-left: 3px solid var(--line); font-size: 0.93rem; }
.actions { margin: 0.4rem 0 0 -0.55rem; }

.source { position: absolute; inset: 0; display: flex; flex-direction: column; background: var(--paper); }
.source-head { display: flex; align-items: flex-start; justify-content: space-between; gap: 1rem; padding: 0.7rem 0.6rem 0.6rem 1rem; border-bottom: 1px solid var(--line); }
.source-head h3 { font-size: 1rem; }
.source-text { position: relative; flex: 1; min-height: 0; padding: 0.8rem 1rem 1.2rem; overflow-y: auto; overscroll-behavior: contain; overflow-wrap: anywhere; }
.document p { margin: 0.45rem 0; }
.document h3, .document h4, .document h5, .document h6 { margin: 1.1rem 0 0.4rem; font-size: 1rem; }
.document .table { overflow-x: auto; margin: 0.6rem 0; }
.document table { border-collapse: collapse; font-size: 0.92rem; }
.document th, .document td { padding: 0.25rem 0.6rem; border: 1px solid var(--line); text-align: left; }
.document .sign { display: none; }
mark { border-radius: 2px; background: var(--mark); color: var(--mark-ink); }

form { display: flex; align-items: flex-end; gap: 0.5rem; padding: 0.6rem; border-top: 1px solid var(--line); }
textarea {
  flex: 1;
  min-width: 0;
  min-height: 2.6rem;
  max-height: 8rem;
  padding: 0.45rem 0.7rem;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--paper);
  line-height: 1.55;
  resize: none;
  field-sizing: content;
}
textarea::placeholder { color: var(--soft); opacity: 1; }
.send {
  min-width: 4.2rem;
  min-height: 2.6rem;
  border: 1px solid var(--accent);
  border-radius: 8px;
  background: var(--accent);
  color: var(--accent-ink);
  font-weight: 600;
}
.send:disabled { border-color: var(--line); background: var(--sunken); color: var(--soft); cursor: default; }
`;var kt=new CSSStyleSheet;kt.replaceSync(yt);var Z=class extends HTMLElement{static observedAttributes=["endpoint","token","token-endpoint","heading","placeholder","greeting","examples","links"];root=this.attachShadow({mode:"open"});access=new le(t=>this.tell("zhengwen-token-needed",{provide:t}));api=null;constructor(){super(),this.root.adoptedStyleSheets=[kt]}get token(){return this.access.token}set token(t){this.access.use(t)}connectedCallback(){this.draw()}disconnectedCallback(){Te(null,this.root)}attributeChangedCallback(t,n,r){t==="token"&&this.access.use(r??""),t==="token-endpoint"&&(this.access.tokenEndpoint=r??""),t==="endpoint"&&(this.api=null),this.isConnected&&this.draw()}draw(){this.api??=new ce((this.getAttribute("endpoint")??"").replace(/\/+$/,""),()=>this.access.token);let t=(r,s)=>this.getAttribute(r)??s,n=ae(bt,{api:this.api,access:this.access,heading:t("heading","政策问答"),placeholder:t("placeholder","请输入您的问题"),greeting:t("greeting","请用一句话提问。回答只依据收录的政策文件，每句话都标明出处。"),examples:t("examples","").split("|").map(r=>r.trim()).filter(Boolean),hasLinks:this.getAttribute("links")!=="off",tell:(r,s)=>this.tell(r,s)});Te(n,this.root)}tell(t,n){this.dispatchEvent(new CustomEvent(t,{detail:n,bubbles:!0,composed:!0}))}};customElements.get("zhengwen-chat")||customElements.define("zhengwen-chat",Z);var pn=["heading","placeholder","greeting","examples","links","theme"],ve=new URLSearchParams(location.search),Q=new Z;for(let e of pn)ve.has(e)&&Q.setAttribute(e,ve.get(e));ve.has("theme")&&(document.documentElement.dataset.theme=ve.get("theme"));var wt=new URLSearchParams(location.hash.slice(1)).get("token");wt&&(Q.token=wt,history.replaceState(null,"",location.pathname+location.search));var ge=null;Q.addEventListener("zhengwen-token-needed",e=>{ge=e.detail.provide,parent.postMessage({type:"zhengwen-token-needed"},"*")});addEventListener("message",e=>{let t=e.data;e.source!==parent||t?.type!=="zhengwen-token"||typeof t.token!="string"||(ge?ge(t.token):Q.token=t.token,ge=null)});document.body.append(Q);parent.postMessage({type:"zhengwen-ready"},"*");
