import CPQ
import CUV
import UVLoop

/// A libpq connection. Its owner closes it, after closing its watcher. Loop thread only.
final class PGHandle {
    let raw: OpaquePointer
    private var isOpen = true

    init(_ raw: OpaquePointer) { self.raw = raw }

    deinit { close() }

    /// Sends Terminate and frees the connection; the pointer must not be used afterwards.
    func close() {
        if isOpen { PQfinish(raw) }
        isOpen = false
    }

    var errorText: String {
        String(cString: PQerrorMessage(raw)).split(separator: "\n").joined(separator: " ")
    }
}

/// Opens one connection: tries the servers of the target in turn, without blocking. Loop thread only.
final class PostgresConnector {
    private let loop: EventLoop
    private let target: ConnectionTarget
    private let timeout: Duration
    private let lockTimeout: Duration?
    private var completion: ((Result<PGHandle, PostgresError>) -> Void)?
    private var candidates: [ConnectionTarget.Candidate] = []
    private var next = 0
    private var handle: PGHandle?
    private var watcher: FileWatcher?
    private var timer: LoopTimer?
    private var lastError = PostgresError(.unavailable, "no database server's name could be resolved")

    init(
        loop: EventLoop, target: ConnectionTarget, timeout: Duration, lockTimeout: Duration?,
        completion: @escaping (Result<PGHandle, PostgresError>) -> Void
    ) {
        self.loop = loop
        self.target = target
        self.timeout = timeout
        self.lockTimeout = lockTimeout
        self.completion = completion
    }

    /// Starts. The completion is called once, in a later loop iteration, unless ``cancel()`` comes first.
    func start() {
        // The name resolution has no timeout of its own, hence the timer around it as well.
        startTimer()
        let connector = LoopBound(self, on: loop)
        loop.spawn { [loop, target] in
            let found = await target.candidates(on: loop)
            loop.execute { connector.value.begin(found) }
        }
    }

    func cancel() {
        completion = nil
        dropAttempt()
        timer?.close()
        timer = nil
    }

    private func begin(_ found: [ConnectionTarget.Candidate]) {
        guard completion != nil else { return }
        candidates = found
        tryNext()
    }

    private func tryNext() {
        dropAttempt()
        guard next < candidates.count else { return finish(.failure(lastError)) }
        let candidate = candidates[next]
        next += 1
        startTimer()
        let parameters = target.parameters(for: candidate, lockTimeout: lockTimeout).filter { !$0.1.isEmpty }
        let raw = CStrings.withPointers(parameters.map(\.0)) { keywords in
            CStrings.withPointers(parameters.map(\.1)) { values in PQconnectStartParams(keywords, values, 1) }
        }
        guard let raw else { return finish(.failure(PostgresError(.unavailable, "out of memory"))) }
        let handle = PGHandle(raw)
        self.handle = handle
        switchyard_pq_ignore_notices(raw)
        // As if the last poll had returned PGRES_POLLING_WRITING, says libpq's manual.
        PQstatus(raw) == CONNECTION_BAD ? failed(handle) : wait(for: .writable, handle)
    }

    private func wait(for events: FileEvents, _ handle: PGHandle) {
        let socket = PQsocket(handle.raw)
        guard socket >= 0 else { return failed(handle) }
        watcher = loop.watch(fileDescriptor: socket) { [weak self] _ in self?.poll() }
        watcher?.start(events)
    }

    private func poll() {
        guard let handle else { return }
        // libpq may close the socket and open another one with the same number inside the poll.
        watcher?.close()
        watcher = nil
        switch PQconnectPoll(handle.raw) {
        case PGRES_POLLING_READING: wait(for: .readable, handle)
        case PGRES_POLLING_WRITING: wait(for: .writable, handle)
        case PGRES_POLLING_OK:
            self.handle = nil
            finish(.success(handle))
        default: failed(handle)
        }
    }

    private func failed(_ handle: PGHandle) {
        lastError = PostgresError(.unavailable, handle.errorText)
        // In a later iteration: the completion must not be called from within `start`.
        loop.post { [weak self] in self?.tryNext() }
    }

    private func timedOut() {
        lastError = PostgresError(.unavailable, "no connection within \(timeout)")
        candidates.isEmpty ? finish(.failure(lastError)) : tryNext()
    }

    private func finish(_ result: Result<PGHandle, PostgresError>) {
        let completion = self.completion
        cancel()
        completion?(result)
    }

    private func dropAttempt() {
        watcher?.close()
        watcher = nil
        handle?.close()
        handle = nil
    }

    private func startTimer() {
        if timer == nil { timer = loop.makeTimer { [weak self] in self?.timedOut() } }
        timer?.start(after: timeout)
    }
}

/// Arrays of C strings, ended by a null pointer.
enum CStrings {
    static func withPointers<R>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> R) -> R {
        var text: [CChar] = []
        let offsets = strings.map { string in
            defer { text.append(contentsOf: string.utf8CString) }
            return text.count
        }
        return text.withUnsafeBufferPointer { text in
            let pointers = offsets.map { offset in text.baseAddress.map { $0 + offset } } + [nil]
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
