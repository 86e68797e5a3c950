import { css } from 'lit'

/** Motion for those who like it; paper. */
export const media = css`
  @media (prefers-reduced-motion: no-preference) {
    .step {
      animation: in 0.35s ease-out;
    }
    @keyframes in {
      from {
        opacity: 0;
      }
    }
  }
  @media print {
    .root.root {
      color-scheme: light;
    }
    /* Who prints an app does not want its tools. */
    .corner,
    .dock {
      display: none;
    }
    :is(.tools, .chips, .copied, .tabs, .trouble, .close) {
      display: none !important;
    }
    .panel:not(.trouble) {
      display: block !important;
    }
    .columns,
    .band {
      display: block !important;
      padding: 0 !important;
    }
    .card {
      margin-bottom: 12px;
      overflow: visible !important;
    }
    .side,
    .insp,
    .lanes {
      position: static !important;
      display: block;
      max-height: none !important;
      box-shadow: none !important;
    }
    .lanes {
      display: grid;
    }
    .step {
      break-inside: avoid;
    }
    .root {
      -webkit-print-color-adjust: exact;
      print-color-adjust: exact;
    }
  }
`
