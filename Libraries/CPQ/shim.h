#pragma once
#include <libpq-fe.h>

// Notices ("relation already exists, skipping") go to standard error by default, which is the log.
static inline void switchyard_pq_drop_notice(void *context, const PGresult *notice) {
  (void)context;
  (void)notice;
}
static inline void switchyard_pq_ignore_notices(PGconn *connection) {
  PQsetNoticeReceiver(connection, switchyard_pq_drop_notice, 0);
}

// The field codes of an error are character constants.
static const int switchyard_pq_severity = PG_DIAG_SEVERITY_NONLOCALIZED;
static const int switchyard_pq_sqlstate = PG_DIAG_SQLSTATE;
static const int switchyard_pq_message = PG_DIAG_MESSAGE_PRIMARY;
static const int switchyard_pq_detail = PG_DIAG_MESSAGE_DETAIL;
static const int switchyard_pq_context = PG_DIAG_CONTEXT;
static const int switchyard_pq_constraint = PG_DIAG_CONSTRAINT_NAME;
