import { css } from 'lit'

/** What is known about one step. */
export const inspector = css`
  .insp h2 {
    font-size: 15px;
    overflow-wrap: anywhere;
  }
  .insp h2:focus {
    outline: none;
  }
  .insp .sub {
    color: var(--muted);
    font-family: var(--mono);
    font-size: 12px;
    overflow-wrap: anywhere;
  }
  .insp .say {
    margin: 8px 0 10px;
  }
  .checks li {
    display: flex;
    margin: 3px 0;
    overflow-wrap: anywhere;
  }
  .checks .mark {
    flex: none;
    width: 20px;
    color: var(--good);
    font-weight: 700;
  }
  .checks .fails,
  .checks .fails .mark {
    color: var(--bad);
  }
  .vals > div {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    padding: 8px 0;
    border-top: 1px solid var(--line);
  }
  .vals dt {
    display: flex;
    align-items: center;
    gap: 7px;
    font-family: var(--mono);
    font-size: 12.5px;
    font-weight: 600;
    overflow-wrap: anywhere;
  }
  .vals dt::before {
    content: '';
    flex: none;
    width: 9px;
    height: 9px;
    border-radius: 9px;
    background: var(--c, var(--line));
  }
  .vals dd:not(.trail) {
    grid-column: 1 / -1;
  }
  .v {
    display: block;
    margin: 3px 0;
    padding: 3px 7px;
    border-radius: 5px;
    background: var(--sunk);
    font-family: var(--mono);
    font-size: 12px;
    overflow-wrap: anywhere;
    unicode-bidi: isolate;
    white-space: pre-wrap;
  }
  .why {
    color: var(--muted);
  }
  .rfc {
    color: var(--accent);
  }
  .trail {
    color: var(--muted);
    font-size: 11.5px;
  }
  .trail button {
    padding: 0 3px;
    border: 0;
    background: none;
    color: var(--accent);
    font-weight: 600;
    text-decoration: underline;
  }
  details {
    margin-top: 10px;
    border-top: 1px solid var(--line);
    padding-top: 8px;
  }
  summary {
    color: var(--muted);
    font-size: 12px;
    font-weight: 600;
    cursor: pointer;
  }
  pre {
    margin-top: 6px;
    padding: 6px 8px;
    border-radius: 5px;
    background: var(--sunk);
    font: 12px/1.45 var(--mono);
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }
`
