#pragma once
#include <curl/curl.h>

// curl_easy_setopt and curl_multi_setopt are variadic, which Swift cannot call.
static inline CURLcode switchyard_curl_setopt_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode switchyard_curl_setopt_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode switchyard_curl_setopt_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode switchyard_curl_setopt_offset(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode switchyard_curl_setopt_list(CURL *handle, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode switchyard_curl_on_write(CURL *handle, curl_write_callback callback, void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, callback);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_WRITEDATA, context);
}
static inline CURLcode switchyard_curl_on_header(CURL *handle, curl_write_callback callback, void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, callback);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_HEADERDATA, context);
}
static inline CURLcode switchyard_curl_on_read(CURL *handle, curl_read_callback callback, void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_READFUNCTION, callback);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_READDATA, context);
}
static inline CURLcode switchyard_curl_on_open_socket(CURL *handle, curl_opensocket_callback callback, void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, callback);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, context);
}
static inline CURLcode switchyard_curl_before_request(CURL *handle, curl_prereq_callback callback, void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, callback);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_PREREQDATA, context);
}
static inline CURLcode switchyard_curl_info_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLMcode switchyard_curl_multi_setopt_long(CURLM *handle, CURLMoption option, long value) {
  return curl_multi_setopt(handle, option, value);
}
static inline CURLMcode switchyard_curl_multi_on_socket(CURLM *handle, curl_socket_callback callback, void *context) {
  CURLMcode code = curl_multi_setopt(handle, CURLMOPT_SOCKETFUNCTION, callback);
  return code != CURLM_OK ? code : curl_multi_setopt(handle, CURLMOPT_SOCKETDATA, context);
}
static inline CURLMcode switchyard_curl_multi_on_timer(CURLM *handle, curl_multi_timer_callback callback, void *context) {
  CURLMcode code = curl_multi_setopt(handle, CURLMOPT_TIMERFUNCTION, callback);
  return code != CURLM_OK ? code : curl_multi_setopt(handle, CURLMOPT_TIMERDATA, context);
}
// CURL_READFUNC_PAUSE and CURL_WRITEFUNC_PAUSE are macros with unsigned suffixes; the message's result is a union.
static const size_t switchyard_curl_write_pause = CURL_WRITEFUNC_PAUSE;
static const size_t switchyard_curl_read_pause = CURL_READFUNC_PAUSE;
static const size_t switchyard_curl_read_abort = CURL_READFUNC_ABORT;
static const curl_socket_t switchyard_curl_bad_socket = CURL_SOCKET_BAD;
static inline CURLcode switchyard_curl_result(const CURLMsg *message) { return message->data.result; }
static inline int switchyard_curl_sockaddr_family(const struct curl_sockaddr *address) { return address->family; }
static inline const struct sockaddr *switchyard_curl_sockaddr(const struct curl_sockaddr *address) { return &address->addr; }
