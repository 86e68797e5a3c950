import { createRequire } from 'node:module'

/** MDN's table of what each engine has since when. */
const { api, javascript } = createRequire(import.meta.url)('@mdn/browser-compat-data')

/** The oldest engines that the SDK runs in; the README names them. */
export const oldestEngines = { chrome: 100, edge: 100, firefox: 100, safari: 16 }

/** The engines that lack something, named as in MDN's table: `'structuredClone'`, `'Response', 'bytes'`, `'URL', 'canParse_static'`. */
export function enginesWithout(owner, member) {
  const place = api[owner] ?? javascript.builtins[owner]
  const feature = member === undefined ? place : place?.[member]
  const support = feature?.__compat?.support
  return Object.entries(support ? oldestEngines : {})
    .filter(([engine, version]) => ![support[engine]].flat().some((one) => isSince(one, version)))
    .map(([engine, version]) => `${engine} ${version}`)
}

function isSince(
  { version_added: since, version_removed, flags, prefix, alternative_name },
  version,
) {
  const asItIs = !version_removed && !flags && !prefix && !alternative_name
  return asItIs && typeof since === 'string' && parseFloat(since.replace('≤', '')) <= version
}

/** Refuses what the oldest engines lack: what TypeScript's own declarations know, looked up in MDN's table. */
export default {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const { parserServices: services } = context.sourceCode
    const nameOfType = (node) => services.getTypeAtLocation(node).symbol?.name

    function report(node, [owner, member]) {
      const missing = enginesWithout(owner, member)
      const name = [owner, member?.replace('_static', '')].filter(Boolean).join('.')
      if (missing.length > 0)
        context.report({ node, message: `${name} is missing in ${missing.join(', ')}.` })
    }

    function check(node, symbol, object) {
      const declaration = symbol?.declarations?.find(isOfThePlatform)
      if (!declaration) return
      const [owner, ...member] = placeOf(declaration, symbol)
      // What several interfaces share is declared in a part that MDN does not list, such as Body.
      report(node, [isListed(owner) ? owner : object && nameOfType(object), ...member])
    }

    return {
      Identifier(node) {
        const { parent } = node
        if (parent.type.startsWith('TS')) return
        const object =
          parent.type === 'MemberExpression' && parent.property === node && parent.object
        check(node, services.getSymbolAtLocation(node), object)
      },
      'ObjectPattern > Property': ({ key, parent }) =>
        check(key, services.getTypeAtLocation(parent).getProperty(key.name), parent),
      'ForOfStatement[await=true]': ({ right }) =>
        report(right, [nameOfType(right), '@@asyncIterator']),
      StaticBlock: (node) =>
        context.report({ node, message: 'Static blocks are missing in safari 16.' }),
      'Literal[regex.pattern=/\\(\\?<[=!]/]': (node) =>
        context.report({ node, message: 'Lookbehind is missing in safari 16.' }),
    }
  },
}

const isListed = (owner) => owner in api || owner in javascript.builtins

const isOfThePlatform = (declaration) =>
  /\/lib\.[\w.]+\.d\.ts$/.test(declaration.getSourceFile().fileName)

/** Where MDN lists a member (`interface AbortSignal { … }`), a static one (`declare var URL: { … }`) or a global. */
function placeOf({ parent }, { name }) {
  if (parent?.name) return [parent.name.text.replace(/Constructor$/, ''), name]
  const constructor = parent?.parent?.name
  return constructor ? [constructor.text, `${name}_static`] : [name]
}
