/**
 * What a server may tell about the user (OpenID Connect Core §5.1). Every claim can be missing: which ones come depends on the
 * scopes asked for (`profile`, `email`, `phone`, `address`) and on the server. They are typed as the specification says and passed on
 * as the server sent them, so treat them as user input.
 */
export interface StandardClaims {
  /** The full name, as it is displayed. */
  readonly name?: string
  /** Given names or first names. */
  readonly given_name?: string
  /** Surnames or last names. */
  readonly family_name?: string
  /** Middle names. */
  readonly middle_name?: string
  /** A casual name. */
  readonly nickname?: string
  /** The name the user likes to be known by; not unique, and it can change. */
  readonly preferred_username?: string
  /** The URL of the user's profile page. */
  readonly profile?: string
  /** The URL of an image of the user. */
  readonly picture?: string
  /** The URL of the user's website or blog. */
  readonly website?: string
  /** The e-mail address; it can change, so identify the user by `iss` and `sub`. */
  readonly email?: string
  /** Whether the server has verified that the user controls `email`. A few servers send the string `'true'`; compare with `=== true`. */
  readonly email_verified?: boolean
  /** `'female'`, `'male'` or another value. */
  readonly gender?: string
  /** `YYYY-MM-DD`; `0000-MM-DD` without the year, `YYYY` without the day. */
  readonly birthdate?: string
  /** The time zone, for example `'Europe/Paris'`. */
  readonly zoneinfo?: string
  /** The language, for example `'en-US'`; some servers write `'en_US'`. */
  readonly locale?: string
  /** The phone number, for example `'+1 (425) 555-1212'`. */
  readonly phone_number?: string
  /** Whether the server has verified that the user controls `phone_number`. */
  readonly phone_number_verified?: boolean
  /** The postal address. */
  readonly address?: AddressClaim
  /** When these claims last changed, in seconds since 1970. */
  readonly updated_at?: number
}

/** A postal address (OpenID Connect Core §5.1.1). */
export interface AddressClaim {
  /** The whole address as it is displayed, with line breaks. */
  readonly formatted?: string
  /** Street, house number, apartment. */
  readonly street_address?: string
  /** City. */
  readonly locality?: string
  /** State, province or region. */
  readonly region?: string
  /** Postal code. */
  readonly postal_code?: string
  /** Country. */
  readonly country?: string
}
