import { readFileSync } from 'node:fs';
import type { ViewModel } from './model.js';
import { style } from './style.js';

/** The page's script, in the order of its parts: each uses those before it. */
const parts = ['dom', 'chart', 'waterfall', 'addresses', 'detail', 'main'];

/** One HTML page that holds everything it needs, and asks no server for anything. */
export function viewPage(model: ViewModel, title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${escape(title)} - passinglane</title>
<style>
${style}</style>
</head>
<body>
<header>
<h1>passinglane <span id="file">${escape(title)}</span></h1>
<p id="summary"></p>
<div class="tools">
<input id="filter" type="search" placeholder="filter: path, status, failed" aria-label="Show only requests with this text">
<span class="group"><button id="out" type="button" aria-label="Zoom out">&#8722;</button><button id="fit" type="button">fit</button><button id="in" type="button" aria-label="Zoom in">+</button></span>
<button id="rows" type="button" aria-pressed="false">tall rows</button>
<button id="theme" type="button">theme</button>
</div>
</header>
<div id="legend"></div>
<main id="scroll" tabindex="-1"><div id="content"><div id="axis" aria-hidden="true"></div></div></main>
<section id="detail" aria-live="polite" aria-label="What is selected"></section>
<div id="tip" role="tooltip" hidden></div>
<noscript>This page draws the trace with a script, which is switched off.</noscript>
<script type="application/json" id="data">${JSON.stringify(model).replaceAll('<', '\\u003c')}</script>
<script>
${script()}</script>
</body>
</html>
`;
}

/** The parts are modules for the compiler and one script in the page: imports go, and what is exported is simply there. */
function script(): string {
  const texts = parts.map((part) => readFileSync(new URL(`./page/${part}.js`, import.meta.url), 'utf8'));
  const plain = texts.map((text) =>
    text
      .replace(/^import [^;]*;\n/gm, '')
      .replace(/^export /gm, '')
      .replace(/^\/\/# sourceMappingURL.*$/gm, ''),
  );
  return `'use strict';\n(() => {\n${plain.join('\n')}})();\n`.replaceAll('</', '<\\/');
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (char) => entities[char] ?? char);
}
