import { css } from 'lit'

/** Where the parts are, in wide and middle rooms. */
export const columns = css`
  .columns {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 372px;
    gap: 12px;
    align-items: start;
    padding: 12px 16px 24px;
  }
  .columns.with-trouble {
    grid-template-columns: 214px minmax(0, 1fr) 372px;
  }
  .side {
    position: sticky;
    top: calc(var(--top) + 11px);
    max-height: calc(var(--tall) - var(--top) - 23px);
    overflow: auto;
  }
  .tabs,
  .close {
    display: none;
  }
  [data-size='middle'] .band {
    grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr);
  }
  [data-size='middle'] .lanes {
    font-size: 11.5px;
  }
  [data-size='middle'] :is(.columns, .columns.with-trouble) {
    grid-template-columns: minmax(0, 1fr) 300px;
  }
  [data-size='middle'] ::slotted(*) {
    columns: 3;
  }
  [data-size='middle'] .lane-2 {
    max-width: 76%;
  }
  [data-size='middle'] .trouble {
    grid-column: 1 / -1;
    position: static;
    max-height: none;
    order: 3;
  }
`
