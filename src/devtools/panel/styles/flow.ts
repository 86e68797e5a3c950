import { css } from 'lit'

/** The steps. */
export const flow = css`
  .card.flow {
    padding: 0;
    overflow: clip;
  }
  .bar2 {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 10px;
    padding: 10px 14px;
    border-bottom: 1px solid var(--line);
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: flex-end;
    gap: 6px;
    margin-left: auto;
  }
  .chips {
    display: flex;
    flex-basis: 100%;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 4px;
  }
  .copied {
    flex-basis: 100%;
  }
  .copied textarea {
    display: block;
    width: 100%;
    height: 9em;
    margin: 4px 0;
    border: 1px solid var(--line);
    border-radius: 7px;
    background: var(--sunk);
    color: var(--text);
    font: 12px var(--mono);
  }
  .lanes {
    position: sticky;
    top: var(--top);
    z-index: 3;
    display: grid;
    grid-template-columns: repeat(5, 1fr);
    padding: 8px 0;
    border-bottom: 1px solid var(--line);
    background: var(--card);
    font-size: 12.5px;
    font-weight: 600;
    line-height: 1.25;
    text-align: center;
  }
  .lanes small {
    display: block;
    color: var(--muted);
    font-size: 11px;
    font-weight: 400;
  }
  .lanes .us {
    color: var(--accent);
  }
  .seq {
    position: relative;
    min-height: 120px;
    padding: 4px 0 18px;
    background:
      linear-gradient(var(--line), var(--line)) 10% 0 / 1px 100% no-repeat,
      linear-gradient(var(--line), var(--line)) 30% 0 / 1px 100% no-repeat,
      linear-gradient(var(--accent), var(--accent)) 50% 0 / 2px 100% no-repeat,
      linear-gradient(var(--line), var(--line)) 70% 0 / 1px 100% no-repeat,
      linear-gradient(var(--line), var(--line)) 90% 0 / 1px 100% no-repeat;
  }
  .step {
    scroll-margin: 90px 0 70px;
  }
  .row,
  .note {
    position: relative;
    display: block;
    width: 100%;
    padding: 5px 0 0;
    border: 0;
    background: none;
    text-align: left;
    scroll-margin: 90px 0 70px;
  }
  .row {
    min-height: 42px;
    --ink: var(--text);
  }
  .row:hover,
  .note:hover {
    background: color-mix(in srgb, var(--accent) 7%, transparent);
  }
  :is(.row, .note)[aria-current] {
    background: color-mix(in srgb, var(--accent) 14%, transparent);
    box-shadow: inset 3px 0 var(--accent);
  }
  .left-0 {
    --a: 0;
  }
  .left-1 {
    --a: 1;
  }
  .left-2 {
    --a: 2;
  }
  .left-3 {
    --a: 3;
  }
  .left-4 {
    --a: 4;
  }
  .right-0 {
    --z: 0;
  }
  .right-1 {
    --z: 1;
  }
  .right-2 {
    --z: 2;
  }
  .right-3 {
    --z: 3;
  }
  .right-4 {
    --z: 4;
  }
  .row > :is(.n, .ms, .tab) {
    position: absolute;
    top: 6px;
  }
  .n,
  .ms {
    color: var(--muted);
    font-size: 11px;
    font-variant-numeric: tabular-nums;
  }
  .row > .n {
    left: 8px;
  }
  .timed {
    --keep: 96px;
  }
  .row > .ms {
    right: 8px;
  }
  .tab {
    padding: 0 4px;
    border-radius: 4px;
    background: var(--warn-tint);
    color: var(--warn);
    font-size: 10.5px;
  }
  .row > .tab {
    top: 22px;
    left: 6px;
  }
  .lab {
    --middle: calc((var(--a) + var(--z) + 1) * 10%);
    position: relative;
    left: var(--middle);
    display: inline-flex;
    align-items: baseline;
    max-width: min(66%, calc(2 * min(var(--middle), 100% - var(--middle)) - var(--keep, 44px)));
    padding: 0 5px;
    transform: translateX(-50%);
    border-radius: 5px;
    background: var(--card);
    font-size: 12.5px;
    white-space: nowrap;
  }
  .words {
    overflow: hidden;
    min-width: 0;
    text-overflow: ellipsis;
    unicode-bidi: isolate;
  }
  .row[aria-current] .lab,
  .row:hover .lab {
    background: transparent;
  }
  .dots {
    display: inline-flex;
    flex: none;
    gap: 3px;
    margin-left: 5px;
    vertical-align: 1px;
  }
  .dots i {
    width: 7px;
    height: 7px;
    border-radius: 9px;
    background: var(--c);
  }
  .arrow {
    position: absolute;
    bottom: 8px;
    left: calc((var(--a) + 0.5) * 20%);
    width: calc((var(--z) - var(--a)) * 20%);
    height: 1.5px;
    background: var(--ink);
  }
  .arrow::after {
    content: '';
    position: absolute;
    top: 50%;
    right: 0;
    border: 5px solid transparent;
    border-right: 0;
    border-left: 8px solid var(--ink);
    transform: translateY(-50%);
  }
  .leftward .arrow::after {
    right: auto;
    left: 0;
    border: 5px solid transparent;
    border-right: 8px solid var(--ink);
    border-left: 0;
  }
  .answer .arrow {
    height: 0;
    border-top: 1.5px dashed var(--ink);
    background: none;
  }
  .nav .arrow {
    bottom: 5px;
    height: 5px;
    background: linear-gradient(var(--ink) 1.5px, transparent 1.5px 3.5px, var(--ink) 3.5px);
  }
  .fail {
    --ink: var(--bad);
  }
  .fail .words {
    color: var(--bad);
    font-weight: 600;
  }
  .dim :is(.row, .note):not(.has) {
    --ink: var(--pale);
  }
  .dim :is(.row, .note):not(.has) .words {
    color: var(--faint);
    font-weight: 400;
  }
  .dim :is(.row, .note):not(.has) .dots {
    visibility: hidden;
  }
  .dim :is(.row, .note):not(.has) .box {
    border-color: var(--line);
    background: var(--card);
  }
  .dim .has .arrow {
    --ink: var(--c);
    height: 3px;
  }
  .dim .has.answer .arrow {
    height: 0;
    border-top-width: 3px;
  }
  .dim .has .box {
    border-color: var(--c);
    box-shadow: 0 0 0 1px var(--c);
  }
  .dim .has .words {
    font-weight: 600;
  }
  .note {
    padding: 4px 0 3px;
  }
  .box {
    display: flex;
    align-items: baseline;
    justify-content: center;
    gap: 2px 7px;
    width: fit-content;
    max-width: 62%;
    margin-left: 50%;
    padding: 4px 10px;
    transform: translateX(-50%);
    border: 1px solid var(--accent);
    border-radius: 7px;
    background: var(--tint);
    font-size: 12.5px;
    text-align: center;
    overflow-wrap: anywhere;
  }
  .box :is(.n, .tab) {
    flex: none;
  }
  .box .words {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 3;
  }
  .box .dots {
    margin-left: 0;
  }
  .lane-0 {
    max-width: 40%;
    margin-left: 20%;
  }
  .lane-1 {
    margin-left: 30%;
    max-width: 58%;
  }
  .lane-3 {
    margin-left: 70%;
    max-width: 58%;
  }
  .lane-4 {
    max-width: 40%;
    margin-left: 80%;
  }
  .fail .box {
    border-color: var(--bad);
    background: var(--bad-tint);
  }
  .cut {
    margin: 12px 12px 4px;
    padding: 4px 10px;
    border-radius: 7px;
    background: var(--warn-tint);
    color: var(--warn);
    font-size: 12.5px;
    font-weight: 600;
    overflow-wrap: anywhere;
  }
  .verdict {
    margin: 8px 12px;
    padding: 8px 12px;
    border-left: 4px solid var(--good);
    border-radius: 5px;
    background: var(--good-tint);
    overflow-wrap: anywhere;
  }
  .verdict.bad {
    border-color: var(--bad);
    background: var(--bad-tint);
  }
  .verdict.bad b {
    color: var(--bad);
  }
`
