/** One of the things an app asks for or was granted (RFC 9396 §2). */
export type AuthorizationDetail = Readonly<Record<string, unknown>> & { readonly type: string }

/** What the parameter `authorization_details` holds, or the sentence that says what is wrong with it. */
export function readDetails(
  text: string | undefined,
  types: readonly string[],
): readonly AuthorizationDetail[] | string {
  if (text === undefined) return []
  if (types.length === 0) return 'authorization details are not supported'
  const details = parseArray(text)
  if (!details || details.length === 0) {
    return 'authorization_details is a JSON array of at least one object'
  }
  for (const detail of details) {
    const sentence = complain(detail, types)
    if (sentence !== undefined) return sentence
  }
  return details as AuthorizationDetail[]
}

function parseArray(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** RFC 9396 §2.2: the members that have a meaning for every type. */
const listMembers = ['locations', 'actions', 'datatypes', 'privileges']

function complain(detail: unknown, types: readonly string[]): string | undefined {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) {
    return 'authorization_details is an array of objects'
  }
  const members = detail as Record<string, unknown>
  if (typeof members['type'] !== 'string') return 'the type of an authorization detail is missing'
  if (!types.includes(members['type'])) {
    return 'a type of authorization details is unknown, see authorization_details_types_supported'
  }
  const wrong = listMembers.find((name) => !isListOfStrings(members[name] ?? []))
  if (wrong !== undefined) return `${wrong} of an authorization detail is an array of strings`
  if (typeof (members['identifier'] ?? '') === 'string') return undefined
  return 'identifier of an authorization detail is a string'
}

function isListOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

/** Whether each detail was granted: the same type, and the same members with the same values. */
export function areAmong(
  details: readonly AuthorizationDetail[],
  granted: readonly AuthorizationDetail[],
): boolean {
  const known = granted.map(comparable)
  return details.every((detail) => known.includes(comparable(detail)))
}

/** JSON without a meaning in the order of members. */
export function comparable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  )
}
