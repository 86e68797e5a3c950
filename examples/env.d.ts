interface ImportMeta {
  /** Filled in when an example is built. */
  readonly env: {
    readonly DEV: boolean
    readonly VITE_ISSUER: string
    readonly VITE_API: string
  }
}
