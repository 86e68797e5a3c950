import type { Message, NumberedStep, StepValue, ValuePlace } from '../steps.ts'

/** A request or an answer as text, made of what is shown of it and nothing else. */
export function rawOf(step: NumberedStep): string | undefined {
  if (step.type !== 'message') return undefined
  const head = headOf(step)
  const body = [...pick(step, 'form'), ...pick(step, 'body'), ...pick(step, 'claim')]
  const text = [head, ...pick(step, 'header'), ...(body.length > 0 ? ['', ...body] : [])]
  return head === '' ? undefined : text.join('\n')
}

function headOf(step: Message): string {
  const { method, url, status } = step
  const query = pick(step, 'query').map((one, index) => `${index === 0 ? '?' : '&'}${one}`)
  const address = [url ?? '', ...query].join('\n  ')
  if (status !== undefined) return [`HTTP ${status}`, address].filter(Boolean).join('\n')
  return [method, address].filter(Boolean).join(' ')
}

const joins: Readonly<Record<ValuePlace, string>> = {
  query: '=',
  form: '=',
  header: ': ',
  body: ': ',
  claim: ': ',
  memory: ': ',
}

const pick = ({ values }: { values: StepValue[] }, place: ValuePlace): string[] =>
  values
    .filter((value) => value.place === place)
    .map(({ name, text }) => `${name}${joins[place]}${text}`)
