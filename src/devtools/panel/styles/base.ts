import { css } from 'lit'

/** The colours, and a wall: nothing of the page's own styles comes through. */
export const base = css`
  :host {
    all: initial;
    display: block;
  }
  .root {
    all: initial;
    display: block;
    color-scheme: light dark;
    --text: light-dark(#1b1f24, #e8ecf1);
    --muted: light-dark(#57606a, #9aa5b1);
    --faint: light-dark(#68717b, #87929e);
    --pale: light-dark(#bcc5cf, #434e5a);
    --page: light-dark(#f3f5f8, #0e1217);
    --card: light-dark(#fff, #161b22);
    --sunk: light-dark(#f6f8fa, #10151b);
    --line: light-dark(#d8dee5, #2b333d);
    --accent: light-dark(#0b5cad, #7cbcff);
    --on-accent: light-dark(#fff, #0b1622);
    --tint: light-dark(#e8f1fb, #14273b);
    --good: light-dark(#116329, #6fdd8b);
    --good-tint: light-dark(#e6f6ea, #12291a);
    --warn: light-dark(#8a4600, #f5b35c);
    --warn-tint: light-dark(#fff3df, #2d2110);
    --bad: light-dark(#a40e26, #ff9aa5);
    --bad-tint: light-dark(#fdecee, #331419);
    --state: light-dark(#7a3fb5, #c9a1f5);
    --pkce: light-dark(#0b5cad, #7cbcff);
    --nonce: light-dark(#a2236f, #f39bcf);
    --code: light-dark(#8a4600, #f5b35c);
    --access: light-dark(#116329, #6fdd8b);
    --refresh: light-dark(#0a6470, #6fd6e4);
    --id: light-dark(#4b5bb8, #a7b4ff);
    --mono: ui-monospace, 'SF Mono', Menlo, Consolas, monospace;
    --top: var(--pkce-devtools-top, 0px);
    --tall: 100vh;
    direction: ltr;
    color: var(--text);
    font:
      14px/1.5 system-ui,
      sans-serif;
    -webkit-text-size-adjust: 100%;
  }
  .root[data-theme='light'] {
    color-scheme: light;
  }
  .root[data-theme='dark'] {
    color-scheme: dark;
  }
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  [hidden] {
    display: none !important;
  }
  h2,
  h3,
  p,
  ol,
  ul,
  dl,
  dd,
  pre {
    margin: 0;
    padding: 0;
  }
  ol,
  ul {
    list-style: none;
  }
  h2 {
    font-size: 13px;
    font-weight: 650;
  }
  h3 {
    margin: 14px 0 6px;
    color: var(--muted);
    font-size: 12px;
    font-weight: 600;
  }
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
  }
  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 1px;
  }
  .kind-pkce {
    --c: var(--pkce);
  }
  .kind-state {
    --c: var(--state);
  }
  .kind-nonce {
    --c: var(--nonce);
  }
  .kind-code {
    --c: var(--code);
  }
  .kind-access {
    --c: var(--access);
  }
  .kind-refresh {
    --c: var(--refresh);
  }
  .kind-id {
    --c: var(--id);
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .hint {
    color: var(--muted);
    font-size: 12px;
  }
  .b {
    padding: 2px 9px;
    border: 1px solid var(--line);
    border-radius: 7px;
    background: var(--card);
    font-size: 12.5px;
    font-weight: 600;
  }
  .b:hover {
    border-color: var(--accent);
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 5px;
    padding: 1px 8px;
    border: 1px solid var(--line);
    border-radius: 99px;
    background: none;
    font-size: 12px;
  }
  .chip::before {
    content: '';
    width: 8px;
    height: 8px;
    border-radius: 9px;
    background: var(--c);
  }
  .chip[aria-pressed='true'] {
    border-color: var(--c);
    box-shadow: inset 0 0 0 1px var(--c);
    font-weight: 600;
  }
`
