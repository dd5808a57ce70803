"""How a report looks."""

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ground:#f5f5f2;--ink:#1d1f23;
--soft:#5d636d;--rule:#e2e2dc;--hot:#c8412f;--warm:#d9962a;--cold:#5b89b8;
--s0:#1f5fbf;--s1:#12826d;--s2:#8a4fb0;--s3:#b0476f;--s4:#6b7a1f;--b:#7b818b;
--good:#1c7d4f;--care:#a86a00;--bad:#b3261e;
--ok-bg:#e3f1e8;--some-bg:#fbeccb;--much-bg:#f6cfc9}
@media(prefers-color-scheme:dark){:root{--paper:#1b1d21;--ground:#121316;
--ink:#e9eaec;--soft:#a2a8b2;--rule:#33363c;--hot:#e4695a;--warm:#e3ac4b;
--cold:#79a5d2;--s0:#6ea6f5;--s1:#4cc0a6;--s2:#bd8ae0;--s3:#e383a9;--s4:#b3c257;
--b:#8f96a1;--good:#5cc791;--care:#e5b04a;--bad:#f0857a;
--ok-bg:#1f3a2b;--some-bg:#4a3a14;--much-bg:#5a2620}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,
sans-serif}
main{max-width:820px;margin:0 auto;padding:28px 16px 64px}
h1{font-size:1.9rem;line-height:1.2;margin:.1em 0 .4em}
h2{font-size:1.25rem;line-height:1.3;margin:0 0 .4em}
h3{font-size:1rem;margin:1.6em 0 .2em}
h3 small,.kicker{color:var(--soft);font-weight:400}
p{margin:.3em 0 .8em}.kicker{margin:0}.lead{color:var(--soft)}
section{background:var(--paper);border:1px solid var(--rule);border-radius:10px;
padding:20px;margin:16px 0}
.answer{border-left:6px solid var(--soft)}.answer h2{font-size:1.5rem}
.answer.good{border-left-color:var(--good)}.answer.good h2{color:var(--good)}
.answer.care{border-left-color:var(--care)}.answer.care h2{color:var(--care)}
.answer.bad{border-left-color:var(--bad)}.answer.bad h2{color:var(--bad)}
ul{margin:.4em 0 .8em;padding-left:1.2em}li{margin:.35em 0}
.reasons{font-weight:600}.facts:last-child{margin-bottom:0}
figure{margin:8px 0 0}figure svg{display:block;max-width:100%;height:auto}
.narrow{display:none}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--soft);
margin:.6em 0 0}
.legend span{display:inline-flex;align-items:center;gap:7px}
.ring-key,.dot-key{width:11px;height:11px;border-radius:50%;border:2px solid var(--b)}
.dot-key{background:var(--s0);border-color:var(--s0)}
svg text{font-family:inherit;font-size:13px;fill:var(--ink)}
svg .t{fill:var(--soft);font-size:12px}svg .name{font-weight:600}
svg .halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px}
svg .told{font-size:13px}
.rule{stroke:var(--rule)}.interval{stroke:var(--ink);stroke-width:1.5}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke:var(--b)}
.line.s0{stroke:var(--s0);stroke-width:3.5}.line.s1{stroke:var(--s1)}
.line.s2{stroke:var(--s2)}.line.s3{stroke:var(--s3)}.line.s4{stroke:var(--s4)}
.line.b0{stroke-dasharray:2 3}.line.b1{stroke-dasharray:8 3}
.line.b2{stroke-dasharray:8 3 2 3}
.chance{stroke:var(--soft);stroke-width:1;stroke-dasharray:1 4;fill:none}
.line.chance{stroke-width:1.5}.expected{stroke-width:1.5}
.dot{fill:var(--b);stroke:var(--b);stroke-width:1.5}
.dot.s0,.bar.s0{fill:var(--s0);stroke:var(--s0)}.dot.s1{fill:var(--s1);stroke:var(--s1)}
.dot.s2{fill:var(--s2);stroke:var(--s2)}.dot.s3{fill:var(--s3);stroke:var(--s3)}
.dot.s4{fill:var(--s4);stroke:var(--s4)}.dot.few{fill:var(--paper)}
.ring{fill:var(--paper);stroke:var(--b);stroke-width:2}
.bar{fill:var(--b)}.bar.hot{fill:var(--hot)}.bar.warm{fill:var(--warm)}
.bar.cold{fill:var(--cold)}.bar.held{fill:none;stroke:var(--b);stroke-width:1.5}
.scroll{overflow-x:auto;margin-top:14px}
table{border-collapse:collapse;font-size:.86rem;width:100%;
font-variant-numeric:tabular-nums}
th,td{padding:6px 7px;text-align:right;border-bottom:1px solid var(--rule);
vertical-align:top;white-space:nowrap}
thead th{font-weight:500;color:var(--soft);white-space:normal;vertical-align:bottom;
min-width:5em}
th:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}
tbody th{font-weight:400}td small,th small{display:block;color:var(--soft);
font-size:.78rem;font-weight:400}
.checks{list-style:none;padding:0}.checks small{display:block;color:var(--soft)}
tbody th{white-space:normal;min-width:7.5em}.heat thead th{white-space:nowrap}
.heat td,.heat th{padding:3px 3px;min-width:0}.heat td{text-align:center}
.key{border-radius:4px;padding:1px 5px}.key.ok{background:var(--ok-bg)}
.key.some{background:var(--some-bg)}.key.much{background:var(--much-bg)}
.yes{color:var(--good)}.no{color:var(--bad)}
.note{font-size:.85rem;color:var(--soft);margin:.6em 0 0}
details{margin-top:12px}summary{cursor:pointer;color:var(--s0)}
code{font-size:.9em}
@media(max-width:799px){.wide{display:none}.narrow{display:block}
section{padding:16px 14px}h1{font-size:1.55rem}main{padding-top:16px}}
@media print{body{background:#fff}section{break-inside:avoid;border-color:#ccc}}
"""
