#pragma once
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>

// amqp_login_with_properties is variadic (the credentials), which Swift cannot call.
static inline amqp_rpc_reply_t switchyard_amqp_login_plain(
    amqp_connection_state_t state, const char *vhost, int heartbeat_seconds, const amqp_table_t *properties,
    const char *user, const char *password) {
  return amqp_login_with_properties(
      state, vhost, AMQP_DEFAULT_MAX_CHANNELS, AMQP_DEFAULT_FRAME_SIZE, heartbeat_seconds, properties,
      AMQP_SASL_METHOD_PLAIN, user, password);
}

// Connects; the same time limits the connection, the handshake and every later call that waits for an answer.
static inline int switchyard_amqp_open(
    amqp_connection_state_t state, amqp_socket_t *socket, const char *host, int port, long milliseconds) {
  struct timeval limit = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
  amqp_set_handshake_timeout(state, &limit);
  amqp_set_rpc_timeout(state, &limit);
  return amqp_socket_open_noblock(socket, host, port, &limit);
}

// A frame that has arrived, or AMQP_STATUS_TIMEOUT at once.
static inline int switchyard_amqp_next_frame(amqp_connection_state_t state, amqp_frame_t *frame) {
  struct timeval none = {.tv_sec = 0, .tv_usec = 0};
  return amqp_simple_wait_frame_noblock(state, frame, &none);
}

// While corked the kernel sends full segments only; uncorking sends what is left.
static inline void switchyard_tcp_cork(int descriptor, int on) {
  (void)setsockopt(descriptor, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

// The calling thread's name, as tools show it; the kernel keeps 15 bytes.
static inline void switchyard_name_thread(const char *name) { (void)prctl(PR_SET_NAME, name, 0, 0, 0); }

static inline int switchyard_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// Method numbers are macros with casts; as constants they can be switched over.
enum {
  SWITCHYARD_BASIC_ACK = AMQP_BASIC_ACK_METHOD,
  SWITCHYARD_BASIC_NACK = AMQP_BASIC_NACK_METHOD,
  SWITCHYARD_BASIC_RETURN = AMQP_BASIC_RETURN_METHOD,
  SWITCHYARD_BASIC_DELIVER = AMQP_BASIC_DELIVER_METHOD,
  SWITCHYARD_BASIC_CANCEL = AMQP_BASIC_CANCEL_METHOD,
  SWITCHYARD_CHANNEL_CLOSE = AMQP_CHANNEL_CLOSE_METHOD,
  SWITCHYARD_CHANNEL_CLOSE_OK = AMQP_CHANNEL_CLOSE_OK_METHOD,
  SWITCHYARD_CONNECTION_CLOSE = AMQP_CONNECTION_CLOSE_METHOD,
  SWITCHYARD_CONNECTION_CLOSE_OK = AMQP_CONNECTION_CLOSE_OK_METHOD,
  SWITCHYARD_CONNECTION_BLOCKED = AMQP_CONNECTION_BLOCKED_METHOD,
  SWITCHYARD_CONNECTION_UNBLOCKED = AMQP_CONNECTION_UNBLOCKED_METHOD
};
