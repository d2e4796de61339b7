/** The page's style: two themes, by the system's choice or by the button's. */
const light = `--bg:#fff;--panel:#f6f7f9;--ink:#1b1f24;--dim:#5b6470;--line:#d9dde3;--focus:#0b62d6;--hover:#0b62d614;
--queue:#b9c0ca;--dial:#8d5bd0;--send:#2f7de1;--wait:#e3b341;--body:#2c9d58;--window:#e8710a;--bad:#d1242f;
--stall:#d1242f16;--stallline:#d1242f70;--silence:#e3b34133;--slow:#2f7de11f;--receive:#2c9d58;--flight:#e8710a;`;
const dark = `--bg:#0e1116;--panel:#171b22;--ink:#e6eaf0;--dim:#98a2b0;--line:#2b323c;--focus:#6cb0ff;--hover:#6cb0ff1f;
--queue:#4b5563;--dial:#a884e8;--send:#4b9bf5;--wait:#d9a93a;--body:#3fb96f;--window:#f5943d;--bad:#ff6b6b;
--stall:#ff6b6b1c;--stallline:#ff6b6b80;--silence:#d9a93a2e;--slow:#4b9bf52b;--receive:#3fb96f;--flight:#f5943d;`;

export const style = `:root{color-scheme:light;${light}--label:17rem}
:root[data-theme=dark]{color-scheme:dark;${dark}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${dark}}}
*{box-sizing:border-box}
html,body{height:100%;margin:0}
body{display:flex;flex-direction:column;background:var(--bg);color:var(--ink);font:13px/1.45 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem 1.25rem;padding:.55rem .9rem;border-bottom:1px solid var(--line);background:var(--panel)}
h1{font-size:1.05rem;margin:0}
h1 span{color:var(--dim);font-weight:400;margin-left:.4rem}
#summary{margin:0;color:var(--dim);font-variant-numeric:tabular-nums}
#summary b{color:var(--ink)}
#summary .bad{color:var(--bad)}
.tools{display:flex;gap:.5rem;margin-left:auto}
button,input{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:5px;padding:.15rem .6rem}
button{cursor:pointer}
button:hover{border-color:var(--dim)}
button[aria-pressed=true]{border-color:var(--focus);color:var(--focus)}
input{width:15rem}
:focus-visible{outline:2px solid var(--focus);outline-offset:1px}
.group button{border-radius:0;margin-left:-1px}
.group button:first-child{border-radius:5px 0 0 5px}
.group button:last-child{border-radius:0 5px 5px 0}
#legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:.35rem .9rem;color:var(--dim);border-bottom:1px solid var(--line)}
#legend i{box-shadow:0 0 0 1px var(--line);display:inline-block;width:.8rem;height:.65rem;border-radius:2px;margin-right:.35rem;vertical-align:-.02rem}
#legend i.curve{box-shadow:none;height:2px;vertical-align:.22rem}
#scroll{flex:1;overflow:auto;min-height:0}
#content{position:relative;width:calc(var(--label) + (100% - var(--label))*var(--zoom,1));min-width:100%}
#axis{position:sticky;top:0;z-index:5;height:1.6rem;margin-left:var(--label);background:var(--bg);border-bottom:1px solid var(--line)}
#axis span{position:absolute;top:.2rem;padding-left:.3rem;color:var(--dim);border-left:1px solid var(--line);height:1.4rem;font-variant-numeric:tabular-nums;white-space:nowrap}
.connection{position:relative;border-bottom:1px solid var(--line);padding-bottom:.5rem}
.connection>h2{position:sticky;left:0;top:1.6rem;z-index:4;width:fit-content;max-width:95vw;font-size:.95rem;margin:0;padding:.4rem .9rem .25rem;background:var(--bg);border-radius:0 0 6px 0}
h2 small{font-weight:400;color:var(--dim);margin-left:.6rem;font-variant-numeric:tabular-nums}
h2 small.bad{color:var(--bad)}
.shades{position:absolute;inset:2rem 0 0 var(--label);pointer-events:none;z-index:0}
.shades div{position:absolute;top:0;bottom:0}
.shades .stall{background:repeating-linear-gradient(-45deg,var(--stall) 0 6px,transparent 6px 10px),var(--stall);border:solid var(--stallline);border-width:0 1px}
.shades .silence{background:var(--silence)}
.shades .slow{background:var(--slow)}
.shades span{position:sticky;left:var(--label);top:4.2rem;display:inline-block;margin:.2rem .3rem;padding:0 .35rem;border-radius:4px;background:var(--bg);font-size:.8rem;color:var(--bad);white-space:nowrap}
.shades .silence span,.shades .slow span{color:var(--dim)}
.lane{display:flex;position:relative;align-items:stretch;z-index:1}
.label{position:sticky;left:0;z-index:3;flex:0 0 var(--label);width:var(--label);padding:0 .9rem;background:var(--bg);color:var(--dim);overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.track{position:relative;flex:1;min-width:0}
.chart{height:64px}
.chart .label{white-space:normal;font-size:.8rem;padding-top:.2rem}
.chart svg{position:absolute;inset:3px 0 2px;width:100%;height:calc(100% - 5px);overflow:visible}
.chart path{fill:none;stroke-width:1.5;vector-effect:non-scaling-stroke}
.chart .area{stroke:none;opacity:.18}
.dial{height:16px;margin:2px 0 4px}
.dial .label{font-size:.8rem;line-height:16px}
.dial .bar{top:3px;bottom:3px;min-width:3px}
.address{height:16px}
.address .label{font-size:.8rem;line-height:16px}
.bar{position:absolute;top:1px;bottom:1px;min-width:1px;border-radius:1px}
.row{cursor:default;height:var(--row,16px)}
.row.hidden{display:none}
.row:hover .track,.row:focus .track{background:var(--hover)}
.row:focus{outline:none}
.row:focus .track,.row[aria-selected=true] .track{box-shadow:0 0 0 1.5px var(--focus);z-index:2}
.row[aria-selected=true] .label{color:var(--ink)}
.row.failed .label{color:var(--bad)}
.row .label{font-size:.8rem;line-height:var(--row,16px)}
.dense{--label:11rem}
.dense .row .label{visibility:hidden}
.hint{display:none;position:absolute;left:0;top:.15rem;padding:0 .9rem;width:var(--label);color:var(--dim);font-size:.75rem;line-height:1.35;pointer-events:none;z-index:4}
.list{position:relative}
.dense .list.many .hint{display:block}
.dense .chart .label{font-size:.75rem}
.dense .bar{top:0;bottom:0;border-radius:0;min-width:3px}
.row svg{position:absolute;inset:0;width:100%;height:100%;pointer-events:none}
.row svg path{vector-effect:non-scaling-stroke;stroke:var(--ink);stroke-width:1;opacity:.45}
.dense .row svg{display:none}
.queue{background:var(--queue)}.dial-phase{background:var(--dial)}.send{background:var(--send)}.wait{background:var(--wait)}.body{background:var(--body)}
.window{background:var(--window);top:35%;bottom:15%}
.dense .window{top:0;bottom:0}
.address .used{background:var(--body);top:55%}.address .against{background:var(--bad);bottom:45%}.address .slowly{background:var(--wait);bottom:45%}.address .leaving{background:var(--queue);bottom:45%}
.whole{background:var(--line)}
.row.failed .whole{background:var(--bad)}
#detail{flex:0 0 auto;max-height:38vh;overflow:auto;border-top:1px solid var(--line);background:var(--panel);padding:.5rem .9rem}
#detail:empty{display:none}
#detail h3{margin:0 0 .2rem;font-size:1rem;overflow-wrap:anywhere}
#detail p{margin:0 0 .3rem;color:var(--dim)}
#detail p b{color:var(--ink);font-weight:600}
#detail table{border-collapse:collapse;font-variant-numeric:tabular-nums}
#detail td,#detail th{text-align:left;padding:.05rem 1rem .05rem 0;vertical-align:top;font-weight:400}
#detail th{color:var(--dim);position:sticky;top:-.5rem;background:var(--panel)}
#detail pre,#tip pre{margin:0;font:12px/1.4 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
#tip{position:fixed;z-index:9;max-width:34rem;padding:.35rem .6rem;background:var(--panel);border:1px solid var(--line);border-radius:6px;box-shadow:0 4px 18px #0004;pointer-events:none}
#tip b{display:block}
`;
