/** The panel's style sheet. Colours are the App's theme variables, with values of our own where there are none. */
export const STYLE = `
.ls-root{--ls-ground:var(--fo-palette-background-level2,#1a1a1a);--ls-raised:var(--fo-palette-background-level1,#262626);
--ls-ink:var(--fo-palette-text-primary,#f0f0f0);--ls-quiet:var(--fo-palette-text-secondary,#a8a8a8);
--ls-line:var(--fo-palette-divider,#444);--ls-accent:var(--fo-palette-primary-main,#ff6d04);--ls-on-accent:#1a1a1a;
--ls-hover:color-mix(in srgb,var(--ls-ink) 10%,transparent);--ls-danger:#e5604d;
position:relative;display:flex;flex-direction:column;height:100%;min-height:320px;width:100%;overflow:hidden;outline:none;
background-color:var(--ls-ground);color:var(--ls-ink);font:13px/1.4 system-ui,-apple-system,"Segoe UI",sans-serif;text-align:left}
.ls-root{container-type:size}
.ls-root.ls-light{--ls-danger:#b3261e}
.ls-root *{box-sizing:border-box}
.ls-root :focus-visible{outline:2px solid var(--ls-accent);outline-offset:1px}
.ls-root:focus-visible{outline:none;box-shadow:inset 0 0 0 1px var(--ls-accent)}
.ls-root h2{font-size:13px;font-weight:600;margin:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.ls-root h3{font-size:12px;font-weight:600;margin:8px 0 4px;color:var(--ls-quiet)}
.ls-root p{margin:6px 0}
.ls-root ul{list-style:none;margin:0;padding:0}
.ls-root kbd{font:11px ui-monospace,monospace;border:1px solid var(--ls-line);border-radius:4px;padding:1px 5px;background:var(--ls-raised)}
.ls-unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.ls-quiet{color:var(--ls-quiet)}
.ls-danger-text{color:var(--ls-danger)}
.ls-grow{flex:1}
.ls-row{display:flex;gap:6px;align-items:center;margin-top:8px}
.ls-button{font:inherit;color:inherit;background:var(--ls-raised);border:1px solid var(--ls-line);border-radius:5px;padding:3px 9px;min-height:27px;cursor:pointer;white-space:nowrap}
.ls-button:hover:not(:disabled){background-image:linear-gradient(var(--ls-hover),var(--ls-hover))}
.ls-button:disabled{opacity:.45;cursor:default}
.ls-button.ls-primary{background-color:var(--ls-accent);border-color:var(--ls-accent);color:var(--ls-on-accent);font-weight:600}
.ls-button.ls-danger{color:var(--ls-danger);border-color:color-mix(in srgb,var(--ls-danger) 50%,transparent)}
.ls-button.ls-pressed{border-color:var(--ls-accent);box-shadow:inset 0 -2px var(--ls-accent)}
.ls-group{display:flex}
.ls-group .ls-button{border-radius:0;margin-left:-1px}
.ls-group .ls-button:first-child{border-radius:5px 0 0 5px;margin-left:0}
.ls-group .ls-button:last-child{border-radius:0 5px 5px 0}
.ls-root select,.ls-root textarea,.ls-root input:not([type=range],[type=checkbox]){font:inherit;color:inherit;background:var(--ls-raised);border:1px solid var(--ls-line);border-radius:5px;padding:3px 7px;min-height:27px;max-width:190px}
.ls-root option{background:var(--ls-raised);color:var(--ls-ink)}
.ls-root input[type=range]{accent-color:var(--ls-accent)}
.ls-root input[type=checkbox]{accent-color:var(--ls-accent)}
.ls-choice,.ls-check{display:inline-flex;align-items:center;gap:5px;white-space:nowrap}
.ls-choice-label{color:var(--ls-quiet)}
.ls-toolbar{display:flex;flex-wrap:wrap;gap:6px 10px;align-items:center;padding:6px 8px;border-bottom:1px solid var(--ls-line)}
.ls-search{display:inline-flex;gap:6px;align-items:center}
.ls-main{flex:1;display:flex;min-height:0}
.ls-picture{position:relative;flex:1;min-width:0}
.ls-scatter{position:absolute;inset:0}
.ls-canvas,.ls-overlay{position:absolute;inset:0;width:100%;height:100%;display:block}
.ls-canvas{touch-action:none}
.ls-overlay{pointer-events:none;color:var(--ls-ink)}
.ls-tool-pan{cursor:grab}
.ls-tool-pan:active{cursor:grabbing}
.ls-tool-lasso,.ls-tool-box{cursor:crosshair}
.ls-over{position:absolute;top:8px;left:8px;right:8px;display:flex;flex-direction:column;align-items:flex-start;gap:6px;pointer-events:none}
.ls-over.ls-under{top:auto;bottom:8px}
.ls-over>*{pointer-events:auto}
.ls-over .ls-reach-bar{width:100%}
.ls-over .ls-bar{border:1px solid var(--ls-line);border-radius:7px;box-shadow:0 2px 10px rgba(0,0,0,.25)}
.ls-bar{display:flex;flex-wrap:wrap;gap:6px 8px;align-items:center;padding:6px 10px;background:var(--ls-raised);border-top:1px solid var(--ls-line)}
.ls-bar strong{font-variant-numeric:tabular-nums}
.ls-warn{border-left:4px solid #d99a00}
.ls-reach-bar input{flex:1;min-width:120px}
.ls-reach-says{min-width:230px;font-variant-numeric:tabular-nums}
.ls-busy{position:absolute;right:10px;top:8px;padding:3px 10px;border-radius:12px;background:var(--ls-raised);border:1px solid var(--ls-line);color:var(--ls-quiet)}
.ls-side{width:250px;flex:none;display:flex;flex-direction:column;min-height:0;border-left:1px solid var(--ls-line)}
.ls-legend{display:flex;flex-direction:column;gap:6px;padding:8px;min-height:90px;flex:1 1 45%;overflow:hidden}
.ls-legend ul{overflow:auto;flex:1;margin:0 -8px}
.ls-legend-tools{display:flex;gap:4px}
.ls-legend-tools input{flex:1;min-width:0}
.ls-legend li{display:flex;align-items:center;gap:2px;padding:0 8px}
.ls-legend li:hover{background:var(--ls-hover)}
.ls-legend li button{font:inherit;color:inherit;background:none;border:0;cursor:pointer;padding:2px}
.ls-legend-eye{display:flex;width:20px;justify-content:center}
.ls-legend li .ls-legend-name{flex:1;min-width:0;text-align:left;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.ls-legend li .ls-legend-solo{color:var(--ls-quiet);font-size:11px;opacity:0}
.ls-legend li:hover .ls-legend-solo,.ls-legend li:focus-within .ls-legend-solo{opacity:1}
.ls-off .ls-legend-name,.ls-off .ls-count{opacity:.45;text-decoration:line-through}
.ls-count{color:var(--ls-quiet);font-variant-numeric:tabular-nums}
.ls-ramp{display:flex;flex-direction:column;gap:6px}
.ls-ramp-bar{height:14px;border-radius:3px}
.ls-ramp label{display:flex;gap:6px;justify-content:space-between}
.ls-ramp label span{min-width:80px;font-variant-numeric:tabular-nums}
.ls-ramp input{flex:1;min-width:0}
.ls-preview{padding:8px;border-top:1px solid var(--ls-line);overflow:auto;flex:1 1 55%}
.ls-root dl{display:grid;grid-template-columns:auto 1fr;gap:2px 10px;margin:8px 0}
.ls-root dt{color:var(--ls-quiet)}
.ls-root dd{margin:0;overflow-wrap:anywhere}
.ls-id{font:11px/1.6 ui-monospace,monospace}
.ls-neighbors{display:grid;grid-template-columns:repeat(3,1fr);gap:6px}
.ls-neighbors button{font:11px/1.3 inherit;font-size:11px;color:inherit;background:none;border:0;padding:0;cursor:pointer;width:100%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.ls-thumb{display:flex;align-items:center;justify-content:center;background:color-mix(in srgb,var(--ls-ink) 6%,transparent);border-radius:4px;overflow:hidden;max-width:100%}
.ls-thumb-crop{overflow:hidden}
.ls-thumb-crop img{display:block;max-width:none}
.ls-thumb-none{color:var(--ls-quiet);font-size:12px;padding:8px;text-align:center;overflow-wrap:anywhere}
.ls-tooltip{position:absolute;z-index:5;padding:8px;background:var(--ls-raised);border:1px solid var(--ls-line);border-radius:7px;pointer-events:none;box-shadow:0 3px 14px rgba(0,0,0,.35);overflow-wrap:anywhere}
.ls-tooltip-name{margin-top:5px;color:var(--ls-quiet);font-size:12px}
.ls-menu{position:relative}
.ls-menu-list{position:absolute;right:0;top:100%;margin-top:4px;z-index:8;min-width:250px;padding:5px;background:var(--ls-raised);border:1px solid var(--ls-line);border-radius:7px;box-shadow:0 4px 18px rgba(0,0,0,.35);display:flex;flex-direction:column}
.ls-menu-list button{font:inherit;color:inherit;background:none;border:0;text-align:left;padding:5px 8px;border-radius:4px;cursor:pointer}
.ls-menu-list button:hover:not(:disabled){background:var(--ls-hover)}
.ls-menu-list button:disabled{opacity:.45;cursor:default}
.ls-menu-list .ls-choice{padding:5px 8px;justify-content:space-between}
.ls-veil{position:absolute;inset:0;z-index:10;display:flex;align-items:center;justify-content:center;background:rgba(0,0,0,.45);padding:16px}
.ls-dialog{width:min(420px,100%);max-height:100%;overflow:auto;padding:14px;background:var(--ls-raised);border:1px solid var(--ls-line);border-radius:9px;box-shadow:0 8px 40px rgba(0,0,0,.4)}
.ls-dialog.ls-wide{width:min(820px,100%)}
.ls-dialog .ls-button:not(.ls-primary),.ls-dialog select,.ls-dialog textarea,.ls-dialog input:not([type=range],[type=checkbox]){background-color:var(--ls-ground)}
.ls-dialog-head{display:flex;justify-content:space-between;align-items:center;gap:8px;margin-bottom:8px}
.ls-dialog h2{font-size:15px}
.ls-root .ls-wide-input{width:100%;max-width:none}
.ls-classes{max-height:280px;overflow:auto;margin-top:6px}
.ls-classes li{padding:4px 8px;border-radius:4px;cursor:pointer}
.ls-classes li[aria-selected=true]{background:var(--ls-hover);box-shadow:inset 3px 0 var(--ls-accent)}
.ls-form{display:flex;flex-direction:column;gap:8px;margin-top:8px}
.ls-form .ls-choice-label{min-width:105px}
.ls-form input[type=number]{width:80px}
.ls-form .ls-choice .ls-quiet{white-space:normal;font-size:12px}
.ls-form textarea{flex:1;max-width:none}
.ls-keys dt{text-align:right}
.ls-review{display:grid;grid-template-columns:repeat(auto-fill,minmax(116px,1fr));gap:10px}
.ls-review li{display:flex;flex-direction:column;gap:3px;align-items:flex-start;min-width:0}
.ls-review-name{color:var(--ls-quiet);font-size:12px;max-width:100%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.ls-change{overflow-wrap:anywhere}
.ls-empty{position:absolute;inset:0;z-index:2;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:8px;padding:24px;text-align:center;background:var(--ls-ground);color:var(--ls-quiet);overflow:auto}
.ls-empty h2{font-size:17px;color:var(--ls-ink)}
.ls-empty>div{max-width:440px}
.ls-empty .ls-form{text-align:left;color:var(--ls-ink);margin-top:16px}
.ls-empty .ls-row{justify-content:center}
.ls-notes{position:absolute;right:12px;bottom:56px;z-index:9;display:flex;flex-direction:column;gap:6px;max-width:min(420px,80%)}
.ls-note{display:flex;gap:8px;align-items:flex-start;padding:8px 10px;background:var(--ls-raised);border:1px solid var(--ls-line);border-left:4px solid #56b4e9;border-radius:6px;box-shadow:0 3px 14px rgba(0,0,0,.3)}
.ls-note-success{border-left-color:#009e73}
.ls-note-warning{border-left-color:#d99a00}
.ls-note-error{border-left-color:var(--ls-danger)}
.ls-note-close{font:inherit;color:var(--ls-quiet);background:none;border:0;cursor:pointer;padding:0 2px}
@container (max-width:800px){.ls-side{width:186px}.ls-toolbar{gap:5px 7px}.ls-toolbar select{max-width:112px}.ls-search input[type=search]{width:130px}.ls-neighbors{grid-template-columns:repeat(2,1fr)}.ls-reach-says{min-width:0}.ls-preview dl{grid-template-columns:1fr}.ls-preview dd{margin-bottom:4px}}
@container (max-width:430px){.ls-side{display:none}}
@media (prefers-reduced-motion:no-preference){.ls-note{animation:ls-in .15s ease-out}}
@keyframes ls-in{from{opacity:0;transform:translateY(6px)}}
`;
