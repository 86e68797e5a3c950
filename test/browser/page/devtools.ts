import { defineElement } from '../../../src/devtools/element.ts'
import * as recorded from '../../support/devtools-steps.ts'

const violations: string[] = []
addEventListener('securitypolicyviolation', ({ violatedDirective, sample }) =>
  violations.push(`${violatedDirective}: ${sample}`),
)

/** What the tests of the devtools' panel use in its page. */
const kit = { defineElement, violations, ...recorded }
export type Kit = typeof kit
Object.assign(globalThis, { kit })
