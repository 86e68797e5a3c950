/** Every scope of the server, with its text on the consent page. */
export const scopeWords: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  profile: 'See your name',
  email: 'See your email address',
  address: 'See your postal address',
  phone: 'See your telephone number',
  offline_access: 'Stay signed in while you are away',
  'orders:read': 'See your orders',
  'orders:write': 'Place orders for you',
}

export const allScopes = Object.keys(scopeWords)
