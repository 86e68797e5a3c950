import { css } from 'lit'

/** A button in the corner, and the panel it opens. */
export const dock = css`
  .corner {
    position: fixed;
    z-index: 2147483001;
    right: calc(12px + var(--place, 0) * 140px);
    bottom: 12px;
    display: inline-flex;
    align-items: center;
    gap: 7px;
    padding: 6px 12px;
    border: 1px solid var(--line);
    border-radius: 99px;
    background: var(--card);
    box-shadow: 0 2px 12px #0003;
    font-size: 13px;
    font-weight: 600;
  }
  .dot {
    width: 9px;
    height: 9px;
    border-radius: 9px;
    background: var(--muted);
  }
  .dot.signed-in {
    background: var(--good);
  }
  .dot.stale {
    background: var(--warn);
  }
  .dock {
    --top: 0px;
    --tall: calc(min(70vh, 640px) - 42px);
    position: fixed;
    /* Below the buttons of other devtools. */
    z-index: 2147483000;
    inset: auto 0 0;
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
    height: min(70vh, 640px);
    border-top: 1px solid var(--line);
    background: var(--page);
    box-shadow: 0 -6px 30px #0004;
  }
  .title {
    display: flex;
    align-items: center;
    gap: 8px;
    height: 42px;
    padding: 0 16px;
    border-bottom: 1px solid var(--line);
    background: var(--card);
  }
  .title .b {
    margin-left: auto;
  }
  .dock .body {
    overflow: auto;
    overscroll-behavior: contain;
  }
`
