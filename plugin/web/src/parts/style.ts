/** The style sheet of the panels, a file for each part of the screen; later rules win over earlier ones. */
import BASE from "./style/base.css?inline";
import MAP from "./style/map.css?inline";
import SIDE from "./style/side.css?inline";
import DIALOGS from "./style/dialogs.css?inline";
import EMPTY from "./style/empty.css?inline";
import CONTROLS from "./style/controls.css?inline";
import MESSAGES from "./style/messages.css?inline";
import WINDOWS from "./style/windows.css?inline";
import REVIEW from "./style/review.css?inline";
import NARROW from "./style/narrow.css?inline";
import MEDIA from "./style/media.css?inline";

export const STYLE = [BASE, MAP, SIDE, DIALOGS, EMPTY, CONTROLS, MESSAGES, WINDOWS, REVIEW, NARROW, MEDIA].join("\n");
