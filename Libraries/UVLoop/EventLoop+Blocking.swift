import CUV
import Synchronization

/// One piece of work under way: owned by libuv's request from `start` to the callback after it. libuv hands it from the
/// loop to a thread of its pool and back, never to both at once.
private final class BlockingWork {
    let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
    let work: @Sendable () -> Void
    let finish: () -> Void

    init(work: @escaping @Sendable () -> Void, finish: @escaping () -> Void) {
        self.work = work
        self.finish = finish
    }

    deinit {
        request.deallocate()
    }

    func start(on loop: EventLoop) {
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        // It fails for lack of the callbacks only.
        uv_queue_work(
            loop.uvLoop, request,
            { request in
                Unmanaged<BlockingWork>.fromOpaque(request!.pointee.data).takeUnretainedValue().work()
            },
            { request, _ in
                Unmanaged<BlockingWork>.fromOpaque(request!.pointee.data).takeRetainedValue().finish()
            })
    }
}

extension EventLoop {
    /// Runs short blocking work, such as reading files, on libuv's thread pool (four threads).
    package func blocking<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            let result = BlockingResult<T>()
            execute {
                BlockingWork(work: { result.set(work()) }, finish: { continuation.resume(returning: result.take()!) })
                    .start(on: self)
            }
        }
    }
}

/// What the pool's thread hands to the loop.
private final class BlockingResult<T: Sendable>: Sendable {
    private let value = Mutex<T?>(nil)

    func set(_ value: T) { self.value.withLock { $0 = value } }
    func take() -> T? { value.withLock { $0.take() } }
}
