const userScopeWords = {
  openid: 'Know who you are',
  profile: 'See your name',
  email: 'See your email address',
  address: 'See your postal address',
  phone: 'See your telephone number',
  offline_access: 'Stay signed in while you are away',
}

const apiScopeWords = {
  'orders:read': 'See your orders',
  'orders:write': 'Place orders for you',
}

/** Every scope of the server, with its text on the consent page. */
export const scopeWords: Readonly<Record<string, string>> = {
  ...userScopeWords,
  ...apiScopeWords,
}

export const allScopes = Object.keys(scopeWords)

/** Those that are about the user, and for no API. */
export const userScopes = Object.keys(userScopeWords)

/** Those of the API. */
export const apiScopes = Object.keys(apiScopeWords)
