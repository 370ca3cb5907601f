import { Component, h, type ComponentType, type VNode } from "preact";

/** A component that is drawn again only when `same` says no. */
export function memo<P extends object>(inner: (props: P) => VNode, same: (before: P, after: P) => boolean): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props as P, next);
    }

    override render(props: P): VNode {
      return h(inner as never, props);
    }
  };
}
