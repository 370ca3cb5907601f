var w,Oe,St,M,he,ne,je,ee,qe,ge,me,Ct,K=Symbol.for("pv"),re={},oe=[],Et=/^m(i|n|o|s|text|space)$/,ve=Array.isArray,be=oe.slice,I=Object.assign;function N(t){t&&t.parentNode&&t.remove()}function se(t,e,n){var r,s,o,a={},c=arguments.length;for(o in e)o=="key"?r=e[o]:o=="ref"&&typeof t!="function"?s=e[o]:a[o]=e[o];return c>2&&(a.children=c>3?be.call(arguments,2):n),X(t,a,r,s,null)}function X(t,e,n,r,s){var o={type:t,props:e,key:n,ref:r,__k:null,__:null,__b:0,__e:null,__c:null,constructor:K,__v:s||++Oe,__i:-1,__u:0};return!s&&w.vnode&&w.vnode(o),o}function O(t){return t.children}function B(t,e){this.props=t,this.context=e,this.__g=0}function L(t,e){if(e==null)return t.__&&L(t.__,t.__i+1);for(var n;e<t.__k.length;e++)if((n=t.__k[e])&&n.__e)return n.__e;return typeof t.type!="function"||t.props.__P?null:L(t)}function Tt(t){var e,n=t.__v,r=n.__e,s=[],o=[],a=t.__P;a&&((e=I({constructor:K},n)).__v=n.__v+1,w.vnode&&w.vnode(e),ye(a,e,n,t.__n,a.namespaceURI,32&n.__u?[r]:null,s,r||L(n),32&n.__u,o),e.__v=n.__v,e.__.__k[e.__i]=e,We(s,e,o),n.__=n.__e=null,e.__e!=r&&Ne(e))}function Ne(t){if((t=t.__)&&t.__c&&!t.props.__P)return t.__e=null,t.__k.some(function(e){return e&&(t.__e=e.__e)}),Ne(t)}function Me(t){(8&t.__g||(t.__g|=8,M.push(t),ne++))&&he==w.debounceRendering||((he=w.debounceRendering)||queueMicrotask)(Ie)}function Ie(){try{for(var t,e=1;M.length;)M.length>e&&M.sort(je),t=M.shift(),e=M.length,8&t.__g&&Tt(t)}finally{(ne=M.length)&&(he||queueMicrotask)(Ie)}}function Ue(t,e,n,r,s,o,a,c,_,p,l){var f,v,i,d,b,h,y=r.__k||oe,g=e.length;for(_=Pt(n,e,y,_,g),f=0;f<g;f++)(i=n.__k[f])!=null&&(v=~i.__i&&y[i.__i]||re,i.__i=f,h=ye(t,i,v,s,o,a,c,_,p,l),d=i.__e,(v.ref!=i.ref||8&v.__u)&&(v.ref&&we(v.ref,null,i,v),i.ref&&l.push(i.ref,i.__c||d,i)),b=b||d,4&i.__u?(_=Be(i,_,t,!v.__v),v.__e&&(v.__e=null)):typeof i.type=="function"&&h!==void 0?_=h:d&&(_=d.nextSibling),i.__u&=-21);return n.__e=b,_}function Pt(t,e,n,r,s){var o,a,c,_,p,l,f,v,i,d=n.length,b=d,h=0,y=0,g=t.__k=Array(s);for(o=0;o<s;o++)(a=e[o])!=null&&typeof a!="boolean"&&typeof a!="function"?(typeof a!="object"||a.constructor===String?a=g[o]=X(null,a):ve(a)?a=g[o]=X(O,{children:a}):a.constructor===K&&a.__b?a=g[o]=X(a.type,a.props,a.key,a.ref,a.__v):g[o]=a,_=o+h,a.__=t,a.__b=t.__b+1,c=null,~(p=a.__i=At(a,n,_,b))&&(b--,(c=n[p])&&(c.__u|=2)),c&&c.__v?(a.__u|=16,p==_-1?h--:p==_+1?h++:p!=_&&(p>_?h--:h++,y=1)):(~p||(s>d?h--:s<d&&h++),typeof a.type!="function"&&(a.__u|=4))):g[o]=null;if(y){for(l=[],f=[],o=0;o<s;o++)if((a=g[o])&&16&a.__u){for(h=0,v=l.length;h<v;)l[i=h+v>>1]<a.__i?h=i+1:v=i;l[h]=a.__i,f[o]=h+1}for(h=l.length;o--;)f[o]&&(f[o]==h?h--:g[o].__u|=4)}if(b)for(o=0;o<d;o++)!(c=n[o])||2&c.__u||(c.__e==r&&(r=L(c)),ke(c,c));return r}function Be(t,e,n,r){var s,o,a,c;if(typeof t.type=="function"){if(t.props.__P)return e;if(s=t.__k)for(o=0;o<s.length;o++)s[o]&&(s[o].__=t,e=Be(s[o],e,n,!1));return e}for(e&&!e.parentNode&&(e=L(t))&&!e.parentNode&&(e=null),a=t.__e,c=e;c&&c.nodeType==8;)c=c.nextSibling;for(a!=c&&(!r&&n.moveBefore&&a.parentNode?n.moveBefore(a,e):n.insertBefore(a,e||null)),e=a;(e=e&&e.nextSibling)&&e.nodeType==8&&!e.data.startsWith("$s"););return e}function At(t,e,n,r){var s,o=t.key,a=t.type,c=e[n],_=c&&!(2&c.__u);if(c===null&&o==null||_&&o==c.key&&a==c.type)return n;if(r>(_?1:0)){for(s=n-1;s>=0;s--)if((c=e[s])&&!(2&c.__u)&&o==c.key&&a==c.type)return s;for(s=n+1;s<e.length;s++)if((c=e[s])&&!(2&c.__u)&&o==c.key&&a==c.type)return s}return-1}function Le(t,e,n){n==null&&(n=""),e[0]=="-"?t.setProperty(e,n):t[e]=n}function Z(t,e,n,r,s){var o,a;if(e=="style")if(typeof n=="string")t.style.cssText=n;else{if(typeof r=="string"&&(t.style.cssText=r=""),r)for(e in r)n&&e in n||Le(t.style,e);if(n)for(e in n)r&&n[e]==r[e]||Le(t.style,e,n[e])}else if(e[0]=="o"&&e[1]=="n")typeof n!="function"&&(n=null),typeof r!="function"&&(r=null),(t.__e||(t.__e={}))[e]=n,n&&r||(a=me[e]||(me[e]=zt(e)),(t.__a||(t.__a={}))[e]=ge,o=e!=(e=e.replace(qe,"$1")),(e=e.slice(2))[0]<"a"&&(e=e.toLowerCase()),n?t.addEventListener(e,a,o):t.removeEventListener(e,a,o));else{if(s=="http://www.w3.org/2000/svg")e=e.replace(/xlink(H|:h)/,"h").replace(/sName$/,"s");else if(e!="width"&&e!="height"&&e!="href"&&e!="list"&&e!="form"&&e!="tabIndex"&&e!="download"&&e!="rowSpan"&&e!="colSpan"&&e!="role"&&e!="popover"&&e in t)try{return void(t[e]=n??"")}catch{}if(typeof n=="function")return;n==null||n===!1&&e[4]!="-"?t.removeAttribute(e):t.setAttribute(e,e=="popover"&&n==1?"":n)}}function zt(t){return function(e){var n=this.__e;if(n){if(n=n[t],e[ee]==null)e[ee]=ge++;else if(e[ee]<this.__a[t])return;return n(w.event?w.event(e):e)}}}function ye(t,e,n,r,s,o,a,c,_,p){var l,f,v,i,d,b,h,y,g,x,k,H,V,z,A,Q,$,m,S=e.type;if(e.constructor!==K)return null;128&n.__u&&(_=32&n.__u,l=n.__c.__z)&&(e.__u|=_,f=o=[],l.nodeType==8?c=te(l,o):o.push(l),c=o[0]||c),(l=w.__b)&&l(e);e:if(typeof S=="function"){v=a.length;try{if(y=e.props,g=(l=S.prototype)&&l.render,x=(l=S.contextType)&&r[l.__c],k=l?x?x.props.value:l.__:r,(i=n.__c)?(e.__c=i,2&i.__g&&(i.__g|=1)):(g?e.__c=i=new S(y,k):(e.__c=i=new B(y,k),i.constructor=S,i.render=Dt),x&&x.sub(i),i.state||(i.state={}),i.__n=r,i.__g|=8,i.__h=[],i.__k=[]),g&&(i.__s||(i.__s=i.state),S.getDerivedStateFromProps&&(i.__s==i.state&&(i.__s=I({},i.__s)),I(i.__s,S.getDerivedStateFromProps(y,i.__s)))),d=i.props,b=i.state,i.__v=e,n.__c){if(y!==d&&g&&!S.getDerivedStateFromProps&&i.componentWillReceiveProps&&i.componentWillReceiveProps(y,k),e.__v==n.__v&&!(8&i.__g)||!(4&i.__g)&&i.shouldComponentUpdate&&i.shouldComponentUpdate(y,i.__s,k)===!1){e.__v!=n.__v&&(i.props=y,i.state=i.__s,i.__g&=-9),e.__e=n.__e,e.__k=n.__k,e.__k.some(function(T){T&&(T.__=e)}),oe.push.apply(i.__h,i.__k),i.__k=[],i.__h.length&&a.push(i),c=L(n);break e}i.componentWillUpdate&&i.componentWillUpdate(y,i.__s,k),g&&i.componentDidUpdate&&i.__h.push(function(){i.componentDidUpdate(d,b,h)})}else g&&!S.getDerivedStateFromProps&&i.componentWillMount&&i.componentWillMount(),g&&i.componentDidMount&&i.__h.push(i.componentDidMount);i.context=k,i.props=y,i.__P=t,i.__g&=-5,H=w.__r,V=g?25:0;do i.__g&=-9,H&&H(e),l=i.render(i.props,i.state=i.__s,i.context);while(8&i.__g&&++V<25);g&&(oe.push.apply(i.__h,i.__k),i.__k=[]),i.state=i.__s,i.getChildContext&&(r=I({},r,i.getChildContext())),g&&n.__c&&i.getSnapshotBeforeUpdate&&(h=i.getSnapshotBeforeUpdate(d,b)),z=l&&l.type===O&&l.key==null?l.props.children:l,y.__P&&(l=c,s=(t=y.__P).namespaceURI,_=o=null,n.props&&n.props.__P!=t&&(n.__k.some(function(T){T&&ke(T,T)}),n.__k=null),c=n.__k?L(n,0):null),c=Ue(t,ve(z)?z:[z],e,n,r,s,o,a,c,_,p),y.__P&&(e.__e=null,c=l),e.__u&=-161,f&&f.some(N),i.__h.length&&a.push(i),1&i.__g&&(i.__g&=-4)}catch(T){if(a.length=v,e.__v=null,_||o)if(T&&T.then){if(e.__u|=128|_,o){for(~($=o.indexOf(c||void 0))||($=o.length);(m=o[$-1])&&m.nodeType==8;)$--;for(;$<o.length;$++)if(m=o[$])if(o[$]=null,A){if(m==Q)break}else{if(m.nodeType!=8)break;m.data.startsWith("$s")&&(Q=te(A=m))}}if(!A){for(;c&&c.nodeType==8&&c.nextSibling;)c=c.nextSibling;A=c}(l=te(A=e.__c.__z||(e.__c.__z=A)))?(e.__e=A,c=l):e.__e=c,c=c&&c.nextSibling}else o&&o.some(N);else e.__e=n.__e;e.__k||(e.__k=n.__k||[]),T&&T.then||Fe(e),w.__e(T,e,n)}}else c=e.__e=$t(n.__e,e,n,r,s,o,a,_,p,t);return(l=w.diffed)&&l(e),c}function te(t,e){if(t&&t.nodeType==8&&t.data.startsWith("$s"))for(var n=1;t=t.nextSibling;){if(t.nodeType==8){if(t.data.startsWith("$s"))n++;else if(t.data.startsWith("/$s")&&!--n)return t}e&&e.push(t)}}function Fe(t){t&&(t.__c&&(t.__c.__g|=4),t.__k&&t.__k.some(Fe))}function We(t,e,n){for(var r=0;r<n.length;)we(n[r++],n[r++],n[r++]);w.__c&&w.__c(e,t),t.some(function(s){try{t=s.__h,s.__h=[],t.some(function(o){o.call(s)})}catch(o){w.__e(o,s.__v)}})}function $t(t,e,n,r,s,o,a,c,_,p){var l,f,v,i,d,b,h,y,g=n.props||re,x=e.props,k=e.type;if(k=="svg"?s="http://www.w3.org/2000/svg":k=="math"?s="http://www.w3.org/1998/Math/MathML":s||(s="http://www.w3.org/1999/xhtml"),o){for(l=0;l<o.length;l++)if((d=o[l])&&(k?d.localName==k:d.nodeType==3)){t=d,o[l]=null;break}}if(!t){if(y=p.ownerDocument||document,!k)return y.createTextNode(x);t=y.createElementNS(s,k,x.is?x:p),c&&(w.__m&&w.__m(e,o),c=!1),o=null}if(k){if(p=k=="template"&&t.content||t,o=k=="textarea"&&x.defaultValue!=null?null:o&&be.call(p.childNodes),!c&&o)for(g={},l=0;l<t.attributes.length;l++)g[(d=t.attributes[l]).name]=d.value;for(l in g)d=g[l],l=="dangerouslySetInnerHTML"?v=d:l=="children"||l in x||l=="value"&&"defaultValue"in x||l=="checked"&&"defaultChecked"in x||Z(t,l,null,d,s);for(l in x)d=x[l],l=="children"?i=d:l=="dangerouslySetInnerHTML"?f=d:l=="value"?b=d:l=="checked"?h=d:c&&typeof d!="function"||g[l]===d||Z(t,l,d,g[l],s);f?(c||v&&(f.__html==v.__html||f.__html==t.innerHTML)||(t.innerHTML=f.__html),e.__k=[]):(v&&(t.textContent=""),(k=="foreignObject"||s=="http://www.w3.org/1998/Math/MathML"&&Et.test(k))&&(s="http://www.w3.org/1999/xhtml"),Ue(p,ve(i)?i:[i],e,n,r,s,o,a,o?o[0]:n.__k&&L(n,0),c,_),o&&o.some(N)),c&&k!="textarea"||(l="value",k=="progress"&&b==null?t.removeAttribute(l):b==null||b===t[l]&&(k!="progress"||b)||Z(t,l,b,g[l],s),l="checked",h!=null&&h!=t[l]&&Z(t,l,h,g[l],s))}else g===x||c&&t.data==x||(t.data=x);return t}function we(t,e,n,r){try{typeof t=="function"?e?e.__x=t(e)||1:r&&(r=r.__c||r.__e)&&(e=r.__x)&&(r.__x=null,typeof e=="function"?e():t(null)):t.current=e}catch(s){w.__e(s,n)}}function ke(t,e,n){var r,s,o,a;if(w.unmount&&w.unmount(t),!(r=t.ref)||r.current&&r.current!=t.__e||we(r,null,e,t),r=t.__c){if(r.componentWillUnmount)try{r.componentWillUnmount()}catch(c){w.__e(c,e)}r.__P=r.__n=null}if(r=t.__k)for(a=0;a<r.length;a++)r[a]&&ke(r[a],e,typeof t.type!="function"||n&&!t.props.__P);!n&&(r=t.__c)&&(r=r.__z)&&(s=te(r,o=[]))&&(r==t.__e&&o.some(N),N(s),N(r)),n||N(t.__e),t.__e=t.__c=t.__=null}function Dt(t,e,n){return this.constructor(t,n)}function xe(t,e){var n,r,s,o;w.__&&w.__(t,e),e.nodeType==9&&(e=e.documentElement),r=(n=t&&32&t.__u)?null:e.__k,e.__k=X(O,{children:[t]}),s=[],o=[],ye(e,e.__k,r||re,re,e.namespaceURI,r?null:e.firstChild?be.call(e.childNodes):null,s,r?r.__e:e.firstChild,n,o),We(s,e.__k,o),e.__k.props.children=null}w={__e:function(t,e,n,r){for(var s,o,a;e=e.__;)if((s=e.__c)&&!(1&s.__g)){s.__g|=4;try{if((a=(o=s.constructor)&&o.getDerivedStateFromError)&&s.setState(o.getDerivedStateFromError(t)),s.componentDidCatch&&(s.componentDidCatch(t,r||{}),a=1),a&&8&s.__g)return void(s.__g|=2)}catch(c){t=c}}throw ne=0,t}},Oe=0,St=function(t){return t!=null&&t.constructor===K},B.prototype.setState=function(t,e){var n=this.__s;n&&n!=this.state||(n=this.__s=I({},this.state)),typeof t=="function"&&(t=t(I({},n),this.props)),t&&(I(n,t),this.__v&&(e&&this.__k.push(e),Me(this)))},B.prototype.forceUpdate=function(t){this.__v&&(this.__g|=4,t&&this.__h.push(t),Me(this))},B.prototype.render=O,M=[],ne=0,je=function(t,e){return t.__v.__b-e.__v.__b},ee=Symbol(),qe=/(PointerCapture)$|Capture$/i,ge=0,me={},Ct=0;var P=class extends Error{constructor(n,r){super(r);this.status=n}status;get needsKey(){return this.status===401}},Ht={401:"需要访问密钥。",403:"当前密钥没有这项权限。",404:"没有找到。",408:"网络太慢，请求没有按时送达，请重试。",413:"内容太长。",422:"这个问题或筛选条件无法处理，请修改后再试。",429:"提问太频繁，请稍等片刻再试。",500:"服务出错了，请稍后重试。",503:"服务正忙或正在启动，请稍后重试。",504:"这个问题用时太长，已经中止，请换个更具体的问法。"},F=t=>t instanceof DOMException&&t.name==="AbortError",G=t=>t instanceof Error?t.message:String(t),ie=class{constructor(e="",n=()=>"",r=()=>""){this.base=e;this.credential=n;this.user=r}base;credential;user;async send(e,n={}){let r=new Headers(n.headers),s=this.credential();s&&r.set("Authorization",`Bearer ${s}`);let o=this.user();o&&r.set("X-Zhengwen-User",String.fromCharCode(...new TextEncoder().encode(o)));let a;try{a=await fetch(this.base+e,{...n,headers:r,credentials:"same-origin"})}catch(c){throw F(c)?c:new P(0,"连不上服务，请检查网络后重试。")}if(!a.ok)throw await Rt(a);return a}async get(e,n){return Je(await this.send(e,n?{signal:n}:{}))}async call(e,n,r){let s={method:e};r!==void 0&&Object.assign(s,Se(r));let o=await this.send(n,s);return o.status===204?void 0:Je(o)}async file(e,n){let r=n===void 0?{}:{method:"POST",...Se(n)};return(await this.send(e,r)).blob()}async ask(e,n={},r){let s={method:"POST",...Se({...e,stream:!0})};r&&(s.signal=r);let o=await this.send("/api/ask",s);for await(let{name:a,data:c}of Mt(o))if(a==="passages")n.passages?.(c.passages);else if(a==="sentence"){let{text:_,citations:p}=c;n.sentence?.(_,p)}else{if(a==="answer")return c;if(a==="error"){let _=c;throw new P(_.status??500,Xe(_.status??500,_.detail))}}throw new P(0,Ve)}},Ve="回答中途断开，没有全部送到，请重试。",Se=t=>({headers:{"Content-Type":"application/json"},body:JSON.stringify(t)});async function Je(t){try{return await t.json()}catch(e){throw F(e)?e:new P(0,"服务的回复没有全部送到，请重试。")}}async function Rt(t){let e=await t.json().catch(()=>null),n=e&&typeof e=="object"&&"detail"in e?e.detail:void 0;return new P(t.status,Xe(t.status,n))}function Xe(t,e){let n=typeof e=="string"?e:"";if(new RegExp("\\p{Script=Han}","u").test(n))return n;let r=Ht[t]??`服务没有给出可用的回复（${t}），请稍后重试。`;return n&&t===422?`${r}（${n}）`:r}async function*Mt(t){let e=t.body.pipeThrough(new TextDecoderStream).getReader(),n="";try{for(;;){let{value:r,done:s}=await e.read();if(s)return;n+=r;let o=n.split(`

`);n=o.pop();for(let a of o){let c=Lt(a);c&&(yield c)}}}catch(r){throw F(r)||r instanceof P?r:new P(0,Ve)}finally{e.cancel().catch(()=>{})}}function Lt(t){let e="message",n=[];for(let r of t.split(`
`))r.startsWith("event:")?e=r.slice(6).trim():r.startsWith("data:")&&n.push(r.slice(5));return n.length?{name:e,data:JSON.parse(n.join(`
`))}:null}var Ot=60,jt=15,ae=class{constructor(e){this.ask=e}ask;token="";tokenEndpoint="";ends=1/0;renewing=null;waiting=null;use(e,n=1/0){this.token=e,this.ends=Date.now()+1e3*n,e&&this.waiting?.()}async run(e,n){(this.token?Date.now()>this.ends-1e3*Ot:this.tokenEndpoint)&&await this.renew();let r=this.token;try{return await n(e)}catch(s){if(!(s instanceof P&&s.needsKey))throw s;return r===this.token&&await this.renew(),n(e)}}renew(){return this.renewing??=(this.tokenEndpoint?this.fetched():this.given()).finally(()=>this.renewing=null),this.renewing}async fetched(){let e;try{let n=await fetch(this.tokenEndpoint,{method:"POST",credentials:"same-origin"});if(!n.ok)throw new Error(String(n.status));e=await n.json()}catch{throw new P(401,"没有取得访问令牌，请刷新页面或重新登录后再试。")}this.use(e.token,e.expires_in??1/0)}given(){return new Promise((e,n)=>{let r=setTimeout(()=>{this.waiting=null,n(new P(401,"访问令牌已过期，请刷新页面后再试。"))},1e3*jt);this.waiting=()=>{clearTimeout(r),this.waiting=null,e()},this.ask(s=>this.use(s))})}};var W,E,Ce,Ke,Ee=Object.is,ce=0,ot=[],Te=[],C=w,Ge=C.__b,Ye=C.__r,Qe=C.diffed,Ze=C.__c,et=C.unmount,tt=C.__;function le(t,e){C.__h&&C.__h(E,t,ce||e),ce=0;var n=E.__H||(E.__H={__:[],__h:[]});return t>=n.__.length&&n.__.push({}),n.__[t]}function R(t){return ce=1,qt(it,t)}function qt(t,e,n){var r=le(W++,2);if(r.t=t,!r.__c&&(r.__=[n?n(e):it(void 0,e),function(o){var a=(r.__N||r.__)[0],c=r.t(a,o);Ee(a,c)||(r.__N=[c,r.__[1]],r.__c.setState({}))}],r.__c=E,!E.__f)){E.__f=!0;var s=E.shouldComponentUpdate;E.shouldComponentUpdate=function(o,a,c){var _=this.__H;if(!_)return!0;var p=!1,l=this.props!=o;if(_.__.some(function(v){v.__N&&(p=!0,Ee(v.__[0],v.__N[0])||(l=!0))}),s){var f=s.call(this,o,a,c);return p?f||l:f}return!p||l}}return r.__}function J(t,e){var n=le(W++,3);!C.__s&&st(n.__H,e)&&(n.__P=!0,n.__=t,n.u=e,E.__H.__h.push(n))}function U(t){return ce=5,ue(function(){return{current:t}},[])}function ue(t,e){var n=le(W++,7);return st(n.__H,e)&&(n.__=t(),n.__H=e),n.__}function Ae(){var t=le(W++,11);if(!t.__){for(var e=E.__v;!e.__m&&e.__;)e=e.__;var n=e.__m||(e.__m=[0,0]);t.__="P"+n[0]+"-"+n[1]++}return t.__}function Nt(){var t;do{for(;t=Te.shift();)try{Y(t)}catch(n){C.__e(n,{__:(t=t.__P)&&t.__v})}for(;t=ot.shift();){var e=t.__H;if(t.__P&&e)try{e.__h.some(Y),e.__h.some(Pe),e.__h=[]}catch(n){e.__h=[],C.__e(n,t.__v)}}}while(Te.length)}C.__b=function(t){E=null,Ge&&Ge(t)},C.__=function(t,e){t&&e.__k&&e.__k.__m&&(t.__m=e.__k.__m),tt&&tt(t,e)},C.__r=function(t){Ye&&Ye(t),W=0;var e=(E=t.__c).__H;e&&(Ce==E?E.__h=[]:(e.__h.some(Y),e.__h.some(Pe),W=0),e.__h=[],e.__.some(function(n){n.__N&&(n.__=n.__N),n.u=n.__N=void 0})),Ce=E},C.diffed=function(t){Qe&&Qe(t);var e=t.__c;e&&e.__H&&(e.__H.__h.length&&rt(ot.push(e)),e.__H.__.some(function(n){n.u&&(n.__H=n.u)})),Ce=E=null},C.__c=function(t,e){e.some(function(n){try{n.__h.some(Y),n.__h=n.__h.filter(function(r){return!r.__||Pe(r)})}catch(r){n.__h=[function(){throw r}]}}),Ze&&Ze(t,e)},C.unmount=function(t){et&&et(t);var e,n,r=t.__c;r&&r.__H&&(r.__H.__.some(function(s){try{if(s.__P&&s.__c){if(n===void 0){for(n=t.__;n&&(!n.__c||!n.__c.__P);)n=n.__;n=n&&n.__c}s.__P=n,rt(Te.push(s))}else Y(s)}catch(o){e=o}}),r.__H=void 0,e&&C.__e(e,r.__v))};var nt=typeof requestAnimationFrame=="function";function It(t){var e,n=function(){clearTimeout(r),nt&&cancelAnimationFrame(e),setTimeout(t)},r=setTimeout(n,35);nt&&(e=requestAnimationFrame(n))}function rt(t){t!=1&&Ke==C.requestAnimationFrame||((Ke=C.requestAnimationFrame)||It)(Nt)}function Y(t){var e=E,n=t.__c;typeof n=="function"&&(t.__c=void 0,n()),E=e}function Pe(t){var e=E;t.__c=t.__(),E=e}function st(t,e){return!t||t.length!=e.length||e.some(function(n,r){return!Ee(n,t[r])})}function it(t,e){return typeof e=="function"?e(t):e}function at(t,e){return class extends B{shouldComponentUpdate(n){return!e(this.props,n)}render(n){return se(t,n)}}}var Ut=Symbol.for("pv"),Bt=0;function u(t,e,n,r,s,o){e||(e={});var a,c,_=e;if("ref"in _&&typeof t!="function")for(c in _={},e)c=="ref"?a=e[c]:_[c]=e[c];var p={type:t,props:_,key:n,ref:a,__k:null,__:null,__b:0,__e:null,__c:null,constructor:Ut,__v:--Bt,__i:-1,__u:0};return(s||o)&&(p.__source=s,p.__self=o),w.vnode&&w.vnode(p),p}var lt=/^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/;function Ft(t){if(t.startsWith("|")&&t.trimEnd().length>1){let e=[...t.matchAll(new RegExp("(?<!\\\\)\\|","g"))].map(n=>n.index);return t.trimEnd().endsWith("|")?e.slice(0,-1):e}return t.includes("	")?[0,...[...t.matchAll(/\t/g)].map(e=>e.index)]:null}function ut(t,e){let n=new Map(e.map(a=>[a.start,a.depth])),r=[],s=0,o=-1;for(let a of t.split(`
`)){if(a.trim()){let c=n.get(s)??0,_=c?null:Ft(a),p={start:s,text:a,depth:c,cells:_},l=r.at(-1);_&&l?.isTable&&s===o+1?l.lines.push(p):r.push({lines:[p],isTable:_!==null}),o=s+a.length}s+=a.length+1}return r}function Wt(t,e){let n=e?/(^#{1,6}\s+|\*\*)/:/(\*\*)/;return t.split(n).map((r,s)=>r&&s%2?u("span",{class:"sign",children:r}):r)}function _e(t,e,n,r){let s=[],o=e,a=(_,p)=>{if(_<=o)return;let l=Wt(t.text.slice(o,_),o===0);s.push(p?u("mark",{class:p.kind,"data-line":t.start,children:l}):u(O,{children:l})),o=_},c=new Set;for(let _ of r)for(let p of[_.start-t.start,_.end-t.start])p>e&&p<n&&c.add(p);for(let _ of[...c,n].sort((p,l)=>p-l)){let p=t.start+o,l=r.filter(f=>f.start<=p&&p<f.end);a(_,l.find(f=>f.kind==="current")??l.find(f=>f.kind==="cited")??l[0])}return s}function Jt({line:t,isHead:e,spans:n}){let r=t.cells;return u("tr",{"data-start":t.start,class:lt.test(t.text)?"sign":void 0,children:r.map((s,o)=>{let a=r[o+1]??t.text.length,c=/^[|\t]\s*/.exec(t.text.slice(s,a))?.[0].length??0,_=a-(/\s*\|?\s*$/.exec(t.text.slice(s+c,a))?.[0].length??0),p=[u("span",{class:"sign",children:_e(t,s,s+c,n)}),_e(t,s+c,Math.max(_,s+c),n),u("span",{class:"sign",children:_e(t,Math.max(_,s+c),a,n)})];return e?u("th",{scope:"col",children:p}):u("td",{children:p})})})}function Vt({block:t,spans:e}){let n=t.lines[0];if(t.isTable){let o=t.lines[1]!==void 0&&lt.test(t.lines[1].text);return u("div",{class:"table",tabIndex:0,role:"region","aria-label":"表格",children:u("table",{children:t.lines.map((a,c)=>u(Jt,{line:a,isHead:o&&c===0,spans:e},a.start))})})}let r=_e(n,0,n.text.length,e);if(!n.depth)return u("p",{"data-start":n.start,class:/^\s*[-*•]\s/.test(n.text)?"item":void 0,children:r});let s=`h${Math.min(n.depth+2,6)}`;return u(s,{"data-start":n.start,tabIndex:-1,children:r})}var Xt=(t,e)=>t.length===e.length&&t.every((n,r)=>n.start===e[r].start&&n.end===e[r].end&&n.kind===e[r].kind),Kt=at(Vt,(t,e)=>t.block===e.block&&Xt(t.spans,e.spans)),ct=[];function _t({blocks:t,spans:e}){return u("div",{class:"document",children:t.map(n=>{let r=n.lines[0].start,s=n.lines.at(-1),o=s.start+s.text.length,a=e.length?e.filter(c=>c.start<o&&c.end>r):ct;return u(Kt,{block:n,spans:a.length?a:ct},r)})})}var Gt={in_force:"现行有效",not_yet:"尚未施行",repealed:"已废止",amended:"已修订",unknown:"效力未知"},ze=t=>Gt[t]??t,j=t=>t.replaceAll("**","");function $e(t,e){let n=j(t).replace(/^(?:#+|[-*•])\s+/gm,"").replace(/\s*\n\s*/g," ").trim(),r=Array.from(n);return r.length>e?`${r.slice(0,e).join("")}…`:n}function pe(t){let[,e,n,r]=/^(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?$/.exec(t)??[];return e?`${e}年${n?`${Number(n)}月`:""}${r?`${Number(r)}日`:""}`:t}function de(t){let e=[];t.sheet&&e.push(`工作表“${t.sheet}”`),t.slide!=null&&e.push(`第${t.slide}张幻灯片`),t.page!=null&&e.push(`第${t.page}页`),t.row!=null&&e.push(`第${t.row}行`),t.paragraph!=null&&e.push(`第${t.paragraph}段`);let{line_start:n,line_end:r}=t;return!e.length&&n&&e.push(!r||n===r?`第${n}行`:`第${n}–${r}行`),e.join(" ")}var fe=(...t)=>t.filter(Boolean).join(" · "),De=t=>t.map(j).join(" › "),pt=t=>fe(t.issuer,t.region,pe(t.published),t.period,t.kind),Yt=t=>t.includes("《")?t:`《${t}》`;function dt(t,e){let n=`/d/${t.split("/").map(encodeURIComponent).join("/")}`;return e?`${n}#char=${e.start},${e.end}`:n}function Qt(t,e=""){let n=[e,De(t.section),de(t.origin),pe(t.published)],r=t.validity==="unknown"?"":ze(t.validity);return`${[Yt(t.title),...n,r].filter(Boolean).join("，")}。原文：“${j(t.quote).replace(/\s*\n\s*/g," ")}”`}function ft(t,e=()=>""){let n=t.citations.map(s=>`[${s.marker}] ${Qt(s,e(s.doc_id))}`);return[...[`问：${t.question}`,`答：${j(t.answer)}`],...n.length?["","注释",...n]:[]].join(`
`)}function He(t,e){let n=[],r=0,s=0;for(let o of e){for(;s<o&&r<t.length;)r+=t.codePointAt(r)>65535?2:1,s+=1;n.push(r)}return n}async function ht(t){try{return await navigator.clipboard.writeText(t),!0}catch{let e=document.createElement("textarea");e.value=t,e.className="sr",document.body.append(e),e.select();let n=document.execCommand("copy");return e.remove(),n}}var Zt=5;function mt({api:t,access:e,heading:n,placeholder:r,greeting:s,examples:o,hasLinks:a,tell:c}){let[_,p]=R([]),[l,f]=R(""),[v,i]=R(!1),[d,b]=R(""),[h,y]=R(null),g=U(null),x=U(null),k=U(null),H=U(null),V=Ae();J(()=>()=>g.current?.abort(),[]),J(()=>{let m=k.current?.querySelector("article:last-of-type");m&&(k.current.scrollTop=m.offsetTop-12)},[_.length,_.at(-1)?.answer]);let z=(m,S)=>p(T=>T.map(q=>q.id===m?{...q,...S(q)}:q));async function A(m){if(!m.trim()||g.current)return;let S=Date.now(),T=on(_),q=new AbortController;g.current=q,f(""),i(!0),b("正在查找依据。"),p(D=>[...D,{id:S,question:m,sentences:[],answer:null,problem:null,isStopped:!1}]);try{let D=await e.run(t,bt=>{z(S,()=>({sentences:[]}));let yt=(wt,kt)=>z(S,xt=>({sentences:[...xt.sentences,{text:wt,citations:kt}]}));return bt.ask({question:m,history:T},{sentence:yt},q.signal)});z(S,()=>({answer:D})),b(sn(D)),c("zhengwen-answer",D)}catch(D){F(D)?(z(S,()=>({isStopped:!0})),b("已停止。")):(z(S,()=>({problem:G(D)})),b(G(D)),c("zhengwen-error",{message:G(D)}))}finally{g.current=null,i(!1)}}function Q(m,S){H.current=S,y(m)}J(()=>{h||!H.current||((H.current.isConnected?H.current:x.current)?.focus(),H.current=null)},[h]);function $(m){m.isComposing||(m.key==="Enter"&&!m.shiftKey?(m.preventDefault(),A(l)):m.key==="ArrowUp"&&!l&&_.length&&(m.preventDefault(),f(_.at(-1).question)))}return u("section",{class:"chat",part:"chat","aria-label":n,onKeyDown:m=>{m.key!=="Escape"||m.isComposing||(h?y(null):g.current?.abort())},children:[u("header",{part:"header",children:[u("h2",{children:n}),_.length>0&&u("button",{type:"button",class:"quiet",onClick:()=>{g.current?.abort(),p([]),y(null),x.current?.focus()},children:"新对话"})]}),u("div",{class:"body",children:[u("div",{class:"log",ref:k,tabIndex:0,role:"region","aria-label":"问答记录",inert:h!==null,children:[_.length===0&&u("div",{class:"welcome",children:[u("p",{children:s}),o.length>0&&u("ul",{children:o.map(m=>u("li",{children:u("button",{type:"button",class:"example",onClick:()=>{A(m)},children:m})},m))})]}),_.map(m=>u(en,{exchange:m,base:a?t.base:null,onOpen:Q,onRetry:()=>{A(m.question)},isBusy:v},m.id))]}),h&&u(nn,{citation:h,api:t,access:e,onClose:()=>y(null)})]}),u("form",{part:"form",onSubmit:m=>{m.preventDefault(),v?g.current?.abort():A(l)},children:[u("label",{class:"sr",for:V,children:"问题"}),u("textarea",{id:V,ref:x,rows:1,maxLength:2e3,placeholder:r,value:l,onInput:m=>f(m.currentTarget.value),onKeyDown:$}),u("button",{type:"submit",class:"send",disabled:!v&&!l.trim(),children:v?"停止":"提问"})]}),u("p",{class:"sr",role:"status","aria-live":"polite",children:d})]})}function en({exchange:t,base:e,isBusy:n,onOpen:r,onRetry:s}){let{answer:o,problem:a,isStopped:c}=t,[_,p]=R(""),l=new Map((o?.citations??[]).map(i=>[i.marker,i])),f=o?.status??(a?"failed":c?"stopped":"busy"),v=o?.sentences??t.sentences.map(({text:i,citations:d})=>({text:rn(i,d),citations:d}));return u("article",{"data-status":f,"aria-busy":f==="busy",children:[u("p",{class:"question",children:t.question}),u("div",{class:"answer",children:[o?.understood&&u("p",{class:"soft",children:["理解为：",o.understood]}),o?.notice&&u("p",{class:"notice",children:o.notice}),v.map((i,d)=>u("p",{children:[j(i.text),i.citations.map(b=>{let h=l.get(b);return h?u("button",{type:"button",class:"marker","data-marker":b,"aria-label":`引用${b}：${h.title}，打开原文`,title:$e(h.quote,120),onClick:y=>r(h,y.currentTarget),children:b},b):u("span",{class:"marker",children:b},b)})]},d)),o&&o.sentences.length===0&&o.answer.split(`
`).map((i,d)=>u("p",{children:i},d)),o?.status==="partial"&&o.reason&&u("p",{class:"soft",children:["以上回答不完整：",o.reason,"。"]}),f==="busy"&&u("p",{class:"soft working",children:v.length?"正在核对下一句…":"正在查找依据…"}),c&&u("p",{class:"soft",children:"已停止。"}),a&&u("p",{class:"problem",role:"alert",children:a})]}),o&&o.citations.length>0&&u("details",{class:"sources",children:[u("summary",{children:["出处（",o.citations.length,"）"]}),u("ol",{children:o.citations.map(i=>u("li",{value:i.marker,children:[u(tn,{citation:i}),u("blockquote",{children:$e(i.quote,300)}),u("button",{type:"button",class:"quiet",onClick:d=>r(i,d.currentTarget),children:"对照原文"}),e!==null&&u("a",{class:"quiet",href:e+dt(i.doc_id,i),target:"_blank",rel:"noopener noreferrer",children:"在新窗口打开"})]},i.marker))})]}),f!=="busy"&&u("p",{class:"actions",children:[o&&u("button",{type:"button",class:"quiet",onClick:()=>{ht(ft(o)).then(i=>p(i?"已复制":"复制不了"))},children:_||"复制（带出处）"}),(a||c)&&u("button",{type:"button",class:"quiet",disabled:n,onClick:s,children:"重试"})]})]})}function tn({citation:t}){return u("p",{class:"about",children:[u("strong",{children:t.title}),u("span",{children:fe(pe(t.published),De(t.section),de(t.origin))}),t.validity!=="unknown"&&u("span",{class:"badge","data-validity":t.validity,children:ze(t.validity)})]})}function nn({citation:t,api:e,access:n,onClose:r}){let[s,o]=R(null),[a,c]=R(""),_=U(null),p=U(null),l=Ae();J(()=>{let i=new AbortController,d=`/api/documents/${t.doc_id.split("/").map(encodeURIComponent).join("/")}`;return n.run(e,b=>b.get(d,i.signal)).then(o,b=>F(b)||c(G(b))),_.current?.focus(),()=>i.abort()},[t]);let f=ue(()=>{if(!s)return[];let i=He(s.text,s.outline.map(d=>d.start));return ut(s.text,s.outline.map(({depth:d},b)=>({depth:d,start:i[b]})))},[s]),v=ue(()=>{if(!s)return[];let[i,d]=He(s.text,[t.start,t.end]);return[{start:i,end:d,kind:"cited"}]},[s,t]);return J(()=>{let i=p.current?.querySelector("mark");i&&(p.current.scrollTop=i.offsetTop-p.current.clientHeight/3)},[f,v]),u("div",{class:"source",ref:_,role:"dialog","aria-labelledby":l,tabIndex:-1,children:[u("div",{class:"source-head",children:[u("div",{children:[u("h3",{id:l,children:t.title}),u("p",{class:"soft",children:fe(s&&pt(s),de(t.origin))})]}),u("button",{type:"button",class:"quiet",onClick:r,children:"关闭"})]}),u("div",{class:"source-text",ref:p,tabIndex:0,role:"region","aria-label":"原文",children:[a&&u("p",{class:"problem",role:"alert",children:a}),!s&&!a&&u("p",{class:"soft",children:"正在打开原文…"}),s&&u(_t,{blocks:f,spans:v})]})]})}var rn=(t,e)=>{let n=e.map(s=>`[${s}]`).join(""),r=t.trimEnd();return n&&r.endsWith(n)?r.slice(0,-n.length):r},on=t=>t.filter(e=>e.answer).slice(-Zt).flatMap(e=>[{role:"user",content:e.question},{role:"assistant",content:e.answer.answer}]);function sn(t){if(t.status==="refused")return j(t.answer);let e=t.sentences.map(n=>j(n.text)).join("");return`${t.notice??""}${e} 共${t.citations.length}处出处。`}var gt=`:host {
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
`;var vt=new CSSStyleSheet;vt.replaceSync(gt);var Re=class extends HTMLElement{static observedAttributes=["endpoint","token","token-endpoint","heading","placeholder","greeting","examples","links"];root=this.attachShadow({mode:"open"});access=new ae(e=>this.tell("zhengwen-token-needed",{provide:e}));api=null;constructor(){super(),this.root.adoptedStyleSheets=[vt]}get token(){return this.access.token}set token(e){this.access.use(e)}connectedCallback(){this.draw()}disconnectedCallback(){xe(null,this.root)}attributeChangedCallback(e,n,r){e==="token"&&this.access.use(r??""),e==="token-endpoint"&&(this.access.tokenEndpoint=r??""),e==="endpoint"&&(this.api=null),this.isConnected&&this.draw()}draw(){this.api??=new ie((this.getAttribute("endpoint")??"").replace(/\/+$/,""),()=>this.access.token);let e=(r,s)=>this.getAttribute(r)??s,n=se(mt,{api:this.api,access:this.access,heading:e("heading","政策问答"),placeholder:e("placeholder","请输入您的问题"),greeting:e("greeting","请用一句话提问。回答只依据收录的政策文件，每句话都标明出处。"),examples:e("examples","").split("|").map(r=>r.trim()).filter(Boolean),hasLinks:this.getAttribute("links")!=="off",tell:(r,s)=>this.tell(r,s)});xe(n,this.root)}tell(e,n){this.dispatchEvent(new CustomEvent(e,{detail:n,bubbles:!0,composed:!0}))}};customElements.get("zhengwen-chat")||customElements.define("zhengwen-chat",Re);export{Re as ZhengwenChat};
