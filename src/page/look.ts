import { createHash } from 'node:crypto';

/** The one stylesheet. Colours keep a contrast of 4.5 or more, in light and in dark. */
export const style = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--card:#f6f8fa;--link:#0550ae;--good:#116329;--warn:#7d4e00;--bad:#b3141d}
@media (prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--soft:#9aa4af;--line:#30363d;--card:#161b22;--link:#79b8ff;--good:#56d364;--warn:#e3b341;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}a:focus-visible,input:focus-visible,button:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem}
header,main,footer{max-width:72rem;margin:0 auto;padding:.75rem 1rem}
header{border-bottom:1px solid var(--line)}header b{margin-right:1rem}
nav{display:inline}nav ul{display:inline-flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:0;padding:0}
nav a{display:inline-block;padding:.5rem 0}nav a[aria-current]{color:var(--ink);font-weight:600;text-decoration:none;border-bottom:2px solid var(--ink)}
form{display:flex;gap:.5rem;margin:.5rem 0}input,button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);border-radius:.375rem;padding:.5rem .75rem;min-height:2.75rem}
input{flex:1;min-width:0;max-width:24rem}
h1{font-size:1.5rem;margin:.75rem 0}h2{font-size:1.125rem;margin:1.5rem 0 .5rem}
.say{border-left:.375rem solid var(--good);background:var(--card);padding:.75rem 1rem;margin:.75rem 0}.say.burns{border-color:var(--bad)}
.say p{margin:.25rem 0}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.5rem;margin:.75rem 0}
dl div{background:var(--card);border:1px solid var(--line);border-radius:.375rem;padding:.5rem .75rem}dt{color:var(--soft);font-size:.875rem}dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums}
table{width:100%;border-collapse:collapse;margin:.5rem 0}caption{position:absolute;left:-999rem}
th,td{text-align:left;vertical-align:top;padding:.375rem .5rem;border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:600;font-size:.875rem}
.number{text-align:right;font-variant-numeric:tabular-nums}
.badge{font-weight:600}.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.quiet,footer{color:var(--soft)}footer{font-size:.875rem}
code{font:.9em ui-monospace,monospace;background:var(--card);padding:.1em .3em;border-radius:.25rem}
svg{display:block;width:100%;height:auto;max-width:48rem}svg text{fill:var(--soft);font:12px system-ui,sans-serif}.axis{stroke:var(--line)}.curve{fill:none;stroke:var(--link);stroke-width:2}
@media (max-width:40rem){thead{position:absolute;left:-999rem}tr{display:block;border:1px solid var(--line);border-radius:.375rem;margin:.5rem 0;padding:.25rem .5rem}td{display:flex;justify-content:space-between;gap:1rem;border:0;padding:.2rem 0;text-align:right}td::before{content:attr(data-title);color:var(--soft);text-align:left;flex-shrink:0}td:empty{display:none}svg text{font-size:20px}}
`;

/** Asks for the page again every ten seconds while somebody looks at it, and leaves it alone while text is selected. */
export const script = `
(()=>{const again=async()=>{if(document.hidden||!getSelection().isCollapsed||document.activeElement?.tagName==='INPUT')return;
try{const answer=await fetch(location.href,{headers:{accept:'text/html'}});if(!answer.ok)throw 0;
const next=new DOMParser().parseFromString(await answer.text(),'text/html').querySelector('main');
const held=document.activeElement?.id;document.querySelector('main').replaceWith(document.adoptNode(next));
if(held)document.getElementById(held)?.focus();document.getElementById('lost').hidden=true}
catch{document.getElementById('lost').hidden=false}};
setInterval(again,10000);document.addEventListener('visibilitychange',again)})();
`;

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Nothing from elsewhere is loaded, and nothing runs but the one script. */
export const policy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');
