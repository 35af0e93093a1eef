import CCurl
import Concurrency
import CUV
import Foundation
import HTTPCore
import UVLoop

extension CurlTransfer {
    /// Tells libcurl everything about the call.
    ///
    /// - Returns: false when the request cannot be sent as it is.
    func configure() -> Bool {
        let request = call.request
        let framing = RequestHead.framing(of: request)
        guard RequestHead.bytes(of: request, framing: framing, extra: 0) != nil else { return false }
        set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorText))
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_URL, request.url.description)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        // Not the proxies that the environment names.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: connectMilliseconds + 1000))
        set(CURLOPT_MAXAGE_CONN, Int(clamping: call.shard.ttlMilliseconds / 1000))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = call.shard.configuration.certificateAuthorities { set(CURLOPT_CAINFO, file) }
        if let path = request.unixSocketPath { set(CURLOPT_UNIX_SOCKET_PATH, path) }
        if !request.retriesStaleConnection, case .stream = request.body { set(CURLOPT_FRESH_CONNECT, 1) }
        pinAddresses()
        setMethodAndBody(framing)
        setHeaders(of: request)
        setCallbacks()
        return true
    }

    private var connectMilliseconds: UInt64 {
        call.request.connectTimeout?.milliseconds ?? call.shard.connectMilliseconds
    }

    /// Hands libcurl the addresses that were checked, so that it does not look the name up itself.
    private func pinAddresses() {
        let url = call.request.url
        guard url.address == nil, call.request.unixSocketPath == nil else { return }
        let list = addresses.map { $0.isIPv6 ? "[\($0.ip)]" : $0.ip }.joined(separator: ",")
        // The plus lets the entry age; it is given anew with every call anyway.
        add(["+\(url.host):\(url.port):\(list)"], CURLOPT_RESOLVE)
    }

    private func setMethodAndBody(_ framing: RequestHead.Framing) {
        let request = call.request
        if request.method == .head {
            set(CURLOPT_NOBODY, 1)
            return
        }
        switch (request.body, framing) {
        case (.stream(let source), _):
            let upload = CurlUpload(source, transfer: self)
            self.upload = upload
            set(CURLOPT_POST, 1)
            var length: curl_off_t = -1
            if case .length(let known) = framing { length = curl_off_t(known) }
            _ = switchyard_curl_setopt_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, length)
        case (.bytes(let bytes), _): setPost(bytes)
        case (.empty, .length): setPost([])
        case (.empty, _): set(CURLOPT_HTTPGET, 1)
        }
        set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
    }

    private func setPost(_ bytes: [UInt8]) {
        set(CURLOPT_POST, 1)
        _ = switchyard_curl_setopt_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
        // libcurl copies as many bytes as were announced the line before.
        (bytes.isEmpty ? [0] : bytes).withUnsafeBytes {
            set(CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress!))
        }
    }

    /// Gives libcurl the request's header fields, in place of those that it may have.
    func setHeaders(of request: ClientRequest) {
        var lines: [String] = []
        for field in request.headers where !Self.ours.contains(field.name.lowercased()) {
            // An empty value is written with a semicolon: with a colon libcurl would leave the field out.
            lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // What libcurl would add of its own accord.
        for name in ["accept", "expect", "content-type"] where !request.headers.contains(name) {
            lines.append("\(name):")
        }
        if !request.headers.contains("accept-encoding") { lines.append("accept-encoding: identity") }
        if case .chunked = RequestHead.framing(of: request) { lines.append("transfer-encoding: chunked") }
        add(lines, CURLOPT_HTTPHEADER)
    }

    private static let ours: Set<String> = ["connection", "content-length", "transfer-encoding"]

    private func setCallbacks() {
        // Not retained: the engine keeps the transfer while libcurl has the handle.
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = switchyard_curl_on_header(
            easy,
            { line, size, count, context in
                let bytes = UnsafeRawBufferPointer(start: line, count: size * count)
                return CurlTransfer.at(context).received(headerLine: bytes) ? bytes.count : 0
            }, context)
        _ = switchyard_curl_on_write(
            easy,
            { data, size, count, context in
                CurlTransfer.at(context).received(body: UnsafeRawBufferPointer(start: data, count: size * count))
            }, context)
        _ = switchyard_curl_on_read(
            easy,
            { buffer, size, count, context in
                let room = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
                return CurlTransfer.at(context).upload?.read(into: room) ?? switchyard_curl_read_abort
            }, context)
        _ = switchyard_curl_before_request(
            easy,
            { context, _, _, _, _ in
                CurlTransfer.at(context).aboutToSend() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            }, context)
        _ = switchyard_curl_on_open_socket(
            easy,
            { context, _, address in
                guard let address else { return switchyard_curl_bad_socket }
                return CurlTransfer.at(context).openSocket(address)
            }, context)
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
        Unmanaged<CurlTransfer>.fromOpaque(context!).takeUnretainedValue()
    }

    /// The last word on an address: it must be one that was checked.
    private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        opensConnection = true
        let family = switchyard_curl_sockaddr_family(address)
        if family != AF_UNIX {
            let port = call.request.url.port
            guard let target = switchyard_curl_sockaddr(address).flatMap({ SocketAddress($0) })?.with(port: port),
                addresses.contains(where: { $0.addressBytes == target.addressBytes }),
                call.shard.policy(target, call.request) == .allowed
            else {
                sawUnsafeAddress = true
                return switchyard_curl_bad_socket
            }
        }
        return socket(family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.`protocol`)
    }

    private func set(_ option: CURLoption, _ value: Int) {
        _ = switchyard_curl_setopt_long(easy, option, value)
    }

    private func set(_ option: CURLoption, _ value: String) {
        _ = switchyard_curl_setopt_string(easy, option, value)
    }

    private func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer) {
        _ = switchyard_curl_setopt_pointer(easy, option, value)
    }

    private func add(_ lines: [String], _ option: CURLoption) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines { list = curl_slist_append(list, line) ?? list }
        guard let list else { return }
        lists.append(list)
        _ = switchyard_curl_setopt_list(easy, option, list)
    }
}
