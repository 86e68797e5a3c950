import { defineElement } from '../../../src/devtools/element.ts'
import * as recorded from '../../support/devtools-steps.ts'

/** What the test of the devtools' panel uses in its page. */
const kit = { defineElement, ...recorded }
export type Kit = typeof kit
Object.assign(globalThis, { kit })
