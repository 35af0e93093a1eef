#include "pages.h"

// The compiler reads the files, so that a binary has its console within itself. That none is forgotten is tested.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char access_js[] = {
#embed "../../Services/Notifier/Console/Pages/access.js"
};
static const unsigned char actions_js[] = {
#embed "../../Services/Notifier/Console/Pages/actions.js"
};
static const unsigned char activity_js[] = {
#embed "../../Services/Notifier/Console/Pages/activity.js"
};
static const unsigned char api_js[] = {
#embed "../../Services/Notifier/Console/Pages/api.js"
};
static const unsigned char app_js[] = {
#embed "../../Services/Notifier/Console/Pages/app.js"
};
static const unsigned char audit_js[] = {
#embed "../../Services/Notifier/Console/Pages/audit.js"
};
static const unsigned char chat_js[] = {
#embed "../../Services/Notifier/Console/Pages/chat.js"
};
static const unsigned char clock_js[] = {
#embed "../../Services/Notifier/Console/Pages/clock.js"
};
static const unsigned char console_css[] = {
#embed "../../Services/Notifier/Console/Pages/console.css"
};
static const unsigned char delegations_js[] = {
#embed "../../Services/Notifier/Console/Pages/delegations.js"
};
static const unsigned char dom_js[] = {
#embed "../../Services/Notifier/Console/Pages/dom.js"
};
static const unsigned char events_js[] = {
#embed "../../Services/Notifier/Console/Pages/events.js"
};
static const unsigned char favicon_svg[] = {
#embed "../../Services/Notifier/Console/Pages/favicon.svg"
};
static const unsigned char fleet_js[] = {
#embed "../../Services/Notifier/Console/Pages/fleet.js"
};
static const unsigned char forms_js[] = {
#embed "../../Services/Notifier/Console/Pages/forms.js"
};
static const unsigned char health_js[] = {
#embed "../../Services/Notifier/Console/Pages/health.js"
};
static const unsigned char index_html[] = {
#embed "../../Services/Notifier/Console/Pages/index.html"
};
static const unsigned char kit_js[] = {
#embed "../../Services/Notifier/Console/Pages/kit.js"
};
static const unsigned char listview_js[] = {
#embed "../../Services/Notifier/Console/Pages/listview.js"
};
static const unsigned char messages_js[] = {
#embed "../../Services/Notifier/Console/Pages/messages.js"
};
static const unsigned char names_js[] = {
#embed "../../Services/Notifier/Console/Pages/names.js"
};
static const unsigned char overlays_js[] = {
#embed "../../Services/Notifier/Console/Pages/overlays.js"
};
static const unsigned char overview_js[] = {
#embed "../../Services/Notifier/Console/Pages/overview.js"
};
static const unsigned char palette_js[] = {
#embed "../../Services/Notifier/Console/Pages/palette.js"
};
static const unsigned char router_js[] = {
#embed "../../Services/Notifier/Console/Pages/router.js"
};
static const unsigned char schedules_js[] = {
#embed "../../Services/Notifier/Console/Pages/schedules.js"
};
static const unsigned char settings_js[] = {
#embed "../../Services/Notifier/Console/Pages/settings.js"
};
static const unsigned char stream_js[] = {
#embed "../../Services/Notifier/Console/Pages/stream.js"
};
static const unsigned char table_js[] = {
#embed "../../Services/Notifier/Console/Pages/table.js"
};
static const unsigned char theme_js[] = {
#embed "../../Services/Notifier/Console/Pages/theme.js"
};
static const unsigned char workspace_js[] = {
#embed "../../Services/Notifier/Console/Pages/workspace.js"
};

#define PAGE(name, symbol) {name, symbol, sizeof symbol}

static const struct switchyard_page pages[] = {
    PAGE("access.js", access_js),
    PAGE("actions.js", actions_js),
    PAGE("activity.js", activity_js),
    PAGE("api.js", api_js),
    PAGE("app.js", app_js),
    PAGE("audit.js", audit_js),
    PAGE("chat.js", chat_js),
    PAGE("clock.js", clock_js),
    PAGE("console.css", console_css),
    PAGE("delegations.js", delegations_js),
    PAGE("dom.js", dom_js),
    PAGE("events.js", events_js),
    PAGE("favicon.svg", favicon_svg),
    PAGE("fleet.js", fleet_js),
    PAGE("forms.js", forms_js),
    PAGE("health.js", health_js),
    PAGE("index.html", index_html),
    PAGE("kit.js", kit_js),
    PAGE("listview.js", listview_js),
    PAGE("messages.js", messages_js),
    PAGE("names.js", names_js),
    PAGE("overlays.js", overlays_js),
    PAGE("overview.js", overview_js),
    PAGE("palette.js", palette_js),
    PAGE("router.js", router_js),
    PAGE("schedules.js", schedules_js),
    PAGE("settings.js", settings_js),
    PAGE("stream.js", stream_js),
    PAGE("table.js", table_js),
    PAGE("theme.js", theme_js),
    PAGE("workspace.js", workspace_js),
};

const struct switchyard_page *switchyard_pages(size_t *count) {
    *count = sizeof pages / sizeof pages[0];
    return pages;
}
