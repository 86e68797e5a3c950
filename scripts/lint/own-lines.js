/** Lines of a function without those of the functions inside it, so that a factory is judged by its parts. */
export default {
  meta: { type: 'suggestion', schema: [{ type: 'integer' }] },
  create(context) {
    const most = context.options[0]
    const nested = []
    const enter = () => nested.push(0)
    const leave = (node) => {
      const total = node.loc.end.line - node.loc.start.line + 1
      const own = total - nested.pop()
      if (own > most)
        context.report({
          node,
          message: `This function has ${own} lines of its own; at most ${most}.`,
        })
      if (nested.length > 0) nested[nested.length - 1] += total > 1 ? total : 0
    }
    const kinds = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']
    return Object.fromEntries(
      kinds.flatMap((kind) => [
        [kind, enter],
        [`${kind}:exit`, leave],
      ]),
    )
  },
}
