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
    .root {
      color-scheme: light;
    }
    .tools,
    .chips,
    .tabs,
    .trouble,
    .corner,
    .close {
      display: none !important;
    }
    .panel {
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
    .dock,
    .insp,
    .lanes {
      position: static !important;
      height: auto;
      max-height: none !important;
      box-shadow: none !important;
    }
    .dock .body {
      overflow: visible;
    }
    .step {
      break-inside: avoid;
    }
    .seq,
    .arrow,
    .dots i,
    .box,
    .bar {
      print-color-adjust: exact;
      -webkit-print-color-adjust: exact;
    }
  }
`
