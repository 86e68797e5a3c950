import { base } from './base.ts'
import { cards } from './cards.ts'
import { columns } from './columns.ts'
import { dock } from './dock.ts'
import { flow } from './flow.ts'
import { inspector } from './inspector.ts'
import { media } from './media.ts'
import { narrow } from './narrow.ts'

/** In the order in which they override each other. */
export const styles = [base, cards, columns, flow, inspector, narrow, dock, media]
