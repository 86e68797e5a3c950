/** The folders a folder may take values from; types may cross freely. */
export default (files, allowed, message) => ({
  files,
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            // Everything is refused but what the list names.
            regex: `^(?!(?:${allowed.join('|')})$)`,
            allowTypeImports: true,
            message,
          },
        ],
      },
    ],
  },
})
