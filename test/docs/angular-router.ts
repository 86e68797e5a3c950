// What the documents use of '@angular/router', so that they can be checked without Angular.
export type CanActivateFn = (
  route: object,
  state: { readonly url: string },
) => boolean | Promise<boolean>

export type Routes = { path?: string; canActivate?: CanActivateFn[]; children?: Routes }[]
