import { css } from 'lit'

/** The cards of session and tokens. */
export const cards = css`
  .band {
    display: grid;
    grid-template-columns: minmax(430px, 1.15fr) minmax(330px, 1fr);
    gap: 12px;
    padding: 12px 16px 0;
  }
  .card {
    min-width: 0;
    padding: 12px 14px;
    border: 1px solid var(--line);
    border-radius: 10px;
    background: var(--card);
  }
  .states {
    display: block;
    width: 100%;
    height: auto;
    max-height: 124px;
    margin-top: 4px;
  }
  .states rect {
    fill: var(--sunk);
    stroke: var(--line);
    stroke-width: 1.5;
  }
  .states text {
    fill: var(--muted);
    font:
      13px system-ui,
      sans-serif;
    text-anchor: middle;
  }
  .states .lit {
    --lit: var(--good);
    --lit-tint: var(--good-tint);
  }
  .states .lit.stale {
    --lit: var(--warn);
    --lit-tint: var(--warn-tint);
  }
  .states .lit:is(.unknown, .signed-out) {
    --lit: var(--accent);
    --lit-tint: var(--tint);
  }
  .states .lit rect {
    fill: var(--lit-tint);
    stroke: var(--lit);
    stroke-width: 2.5;
  }
  .states .lit text {
    fill: var(--lit);
    font-weight: 700;
  }
  .states .line {
    fill: none;
    stroke: var(--muted);
    stroke-width: 1.3;
    marker-end: url(#head);
  }
  .states .line.took {
    stroke: var(--accent);
    stroke-width: 2.5;
    marker-end: url(#took);
  }
  .states marker path {
    fill: var(--muted);
  }
  .states marker.took path {
    fill: var(--accent);
  }
  .states .s {
    font-size: 11.5px;
  }
  .life {
    display: grid;
    grid-template-columns: 100px 1fr auto;
    gap: 7px 10px;
    align-items: center;
    margin: 8px 0;
    white-space: nowrap;
  }
  .bar {
    height: 8px;
    overflow: hidden;
    border-radius: 9px;
    background: var(--sunk);
    box-shadow: inset 0 0 0 1px var(--line);
  }
  .bar svg {
    display: block;
    width: 100%;
    height: 100%;
  }
  .bar .full {
    fill: var(--c);
  }
  .bar .mark {
    fill: var(--text);
    opacity: 0.55;
  }
  .left {
    min-width: 8.5em;
    color: var(--muted);
    text-align: right;
    font-variant-numeric: tabular-nums;
  }
`
