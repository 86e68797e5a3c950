/** What a user allows an app to do, in finer grain than scopes (RFC 9396 §2). */
export interface AuthorizationDetail {
  /** The kind of permission, which decides what the other members mean. */
  readonly type: string
  /** Members that the type defines. */
  readonly [member: string]: unknown
}

/** Whether it is a list of objects with a type. */
export const isAuthorizationDetails = (value: unknown): value is readonly AuthorizationDetail[] =>
  Array.isArray(value) &&
  value.every((detail: { type?: unknown } | null) => typeof detail?.type === 'string')
