/** What the metrics panel adds to the style sheet of the explorer. */
export const METRICS_STYLE = `
.lm-scroll{flex:1;min-height:0;display:flex;flex-direction:column;overflow-y:auto}
.lm-root .ls-toolbar{flex:none}
.lm-threshold input[type=number]{width:66px}
.lm-threshold input[type=range]{width:110px}
.lm-root .ls-choice input[type=number]{width:66px}
.lm-main{display:flex;flex:1 1 58%;min-height:330px;border-bottom:1px solid var(--ls-line)}
.lm-table{flex:0 0 322px;overflow:auto;scrollbar-gutter:stable;border-right:1px solid var(--ls-line);outline-offset:-2px}
.lm-table table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.lm-table th,.lm-table td{padding:2px 5px;text-align:right;white-space:nowrap}
.lm-table th:first-child,.lm-table td:first-child{text-align:left;max-width:110px;overflow:hidden;text-overflow:ellipsis}
.lm-table thead{position:sticky;top:0;background:var(--ls-ground);z-index:1}
.lm-table thead th{border-bottom:1px solid var(--ls-line)}
.lm-table button{font:inherit;color:inherit;background:none;border:0;padding:2px 0;cursor:pointer;max-width:100%;overflow:hidden;text-overflow:ellipsis}
.lm-table th button{font-weight:600;color:var(--ls-quiet)}
.lm-table tbody tr:hover{background:var(--ls-hover)}
.lm-average td{border-bottom:1px solid var(--ls-line);font-weight:600}
.lm-matrix{flex:1;min-width:0;display:flex;flex-direction:column;padding:6px 8px;gap:5px}
.lm-matrix-tools{display:flex;flex-wrap:wrap;gap:6px;align-items:center}
.lm-matrix-tools input[type=search]{width:130px}
.lm-matrix-box{position:relative;flex:1;min-height:0;overflow:auto;outline-offset:-2px;cursor:cell}
.lm-matrix-box canvas{position:sticky;top:0;left:0;display:block;margin-bottom:-100%;float:left}
.lm-told{min-height:19px;color:var(--ls-quiet);font-variant-numeric:tabular-nums;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.lm-tabs{display:flex;gap:2px;padding:4px 8px 0;border-bottom:1px solid var(--ls-line);flex:none}
.lm-tabs button{font:inherit;color:var(--ls-quiet);background:none;border:0;border-bottom:2px solid transparent;padding:4px 10px;cursor:pointer}
.lm-tabs button[aria-selected=true]{color:var(--ls-ink);border-bottom-color:var(--ls-accent)}
.lm-below{flex:1 1 42%;min-height:230px;overflow:auto;padding:6px 8px}
.lm-result-bar{display:flex;flex-wrap:wrap;gap:6px;align-items:center;position:sticky;top:-6px;background:var(--ls-ground);padding:4px 0;z-index:2}
.lm-results{display:grid;grid-template-columns:repeat(auto-fill,minmax(124px,1fr));gap:10px}
.lm-root ul.lm-results{margin-top:8px}
.lm-results li{display:flex;flex-direction:column;align-items:flex-start;gap:3px;min-width:0}
.lm-left-out .lm-crop{opacity:.4}
.lm-crop{display:flex;align-items:center;justify-content:center;padding:0;border:0;border-radius:4px;overflow:hidden;cursor:pointer;background:color-mix(in srgb,var(--ls-ink) 6%,transparent);color:inherit;font:inherit}
.lm-window{position:relative;display:block;overflow:hidden}
.lm-window img{display:block;max-width:none}
.lm-window svg{position:absolute;inset:0;width:100%;height:100%}
.lm-pair{display:flex;gap:5px;align-items:center;max-width:100%;cursor:pointer}
.lm-pair span{overflow-wrap:anywhere}
.lm-facts{font-size:11px;font-variant-numeric:tabular-nums}
.lm-more{justify-content:center;padding:8px}
.lm-empty{padding:14px;text-align:center;color:var(--ls-quiet)}
.lm-segments li{padding:8px 4px;border-bottom:1px solid var(--ls-line)}
.lm-segment-head{display:flex;flex-wrap:wrap;gap:6px 8px;align-items:center}
.lm-kind{border:1px solid var(--ls-line);border-radius:10px;padding:0 8px;color:var(--ls-quiet)}
.lm-sizes{width:62px;height:16px;color:var(--ls-quiet)}
@container (max-width:640px){.lm-table{flex-basis:222px}.lm-table th:nth-child(4),.lm-table td:nth-child(4),.lm-table th:nth-child(5),.lm-table td:nth-child(5){display:none}}
`;
