import { css } from 'lit'

/** Phones: one part at a time, and the inspector as a sheet from below. */
export const narrow = css`
  [data-size='narrow'] .body {
    padding-bottom: 56px;
  }
  [data-size='narrow'] .panel {
    display: none;
  }
  [data-size='narrow'][data-shown='flow'] .flow,
  [data-size='narrow'][data-shown='trouble'] .trouble,
  [data-size='narrow'][data-shown='session'] .band {
    display: block;
  }
  [data-size='narrow'] .band {
    padding: 10px 12px 0;
  }
  [data-size='narrow'] .band .card + .card {
    margin-top: 10px;
  }
  [data-size]:not([data-size='wide']) .life {
    grid-template-columns: 100px 1fr;
    white-space: normal;
  }
  [data-size]:not([data-size='wide']) .life .left {
    grid-column: 2;
    margin-top: -6px;
    text-align: left;
    white-space: normal;
  }
  [data-size='narrow'] .columns {
    display: block;
    padding: 10px 12px 24px;
  }
  [data-size='narrow'] .side {
    position: static;
    max-height: none;
  }
  [data-size='narrow'] .lanes {
    top: 0;
    font-size: 11.5px;
  }
  [data-size='narrow'] .lanes small {
    display: none;
  }
  [data-size='narrow'] .row {
    min-height: 46px;
    padding-bottom: 18px;
  }
  [data-size='narrow'] .row > .n {
    left: 6px;
  }
  [data-size='narrow'] .lab {
    left: 24px;
    max-width: calc(100% - 80px);
    transform: none;
    background: color-mix(in srgb, var(--card) 88%, transparent);
    white-space: normal;
    overflow-wrap: anywhere;
  }
  [data-size='narrow'] .lab .words {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 3;
  }
  [data-size='narrow'] .lane-2 {
    max-width: 86%;
  }
  [data-size='narrow'] .insp {
    position: fixed;
    z-index: 9;
    inset: auto 0 0;
    display: none;
    max-height: 72vh;
    border-radius: 16px 16px 0 0;
    box-shadow: 0 -8px 40px #0006;
  }
  [data-size='narrow'] .insp.open {
    display: block;
  }
  [data-size='narrow'] .close {
    position: sticky;
    top: 0;
    display: inline-block;
    float: right;
    padding: 8px 14px;
  }
  [data-size='narrow'] .tabs {
    position: fixed;
    z-index: 8;
    inset: auto 0 0;
    display: grid;
    grid-auto-columns: 1fr;
    grid-auto-flow: column;
    border-top: 1px solid var(--line);
    background: var(--card);
  }
  .tabs button {
    padding: 14px 0;
    border: 0;
    background: none;
    color: var(--muted);
    font-weight: 600;
  }
  .tabs [aria-pressed='true'] {
    box-shadow: inset 0 3px var(--accent);
    color: var(--accent);
  }
`
