declare const opaque: unique symbol

/** Something a client can do beyond the plain flow, for the option `use`. Made by functions of this package only. */
export interface Capability {
  /** Nobody else can make one. */
  readonly [opaque]: never
}
