import Foundation
import HTTPCore
import UVLoop

/// Files in a folder that all instances share: `<workspace>/<stored name>`, and `.incoming` for those being written.
struct FolderStore: FileStore {
    /// Bytes that are copied in one go on the thread pool.
    private static let pieceBytes = 1 << 20
    /// Since its last change, after which nobody writes a file any more.
    private static let leftoverAge = 3600

    let folder: String

    private var incoming: String { "\(folder)/.incoming" }

    private func place(of workspace: UUID) -> String { "\(folder)/\(workspace.uuidString.lowercased())" }

    func put(_ file: SpooledFile, of workspace: UUID, on loop: EventLoop) async throws(FileStoreError) {
        let temporary = "\(incoming)/\(file.name.stored)"
        let output = try await Self.run(on: loop) { () throws in
            try Self.makeFolder(folder)
            try Self.makeFolder(incoming)
            return try Descriptor(temporary, O_WRONLY | O_CREAT | O_TRUNC)
        }
        do throws(FileStoreError) {
            var offset = 0
            while offset < file.size {
                let piece = offset..<min(offset + Self.pieceBytes, file.size)
                try await Self.run(on: loop) {
                    let bytes = try file.file.read(piece)
                    try bytes.withUnsafeBytes { try SpoolFile.write($0, to: output.number, at: piece.lowerBound) }
                }
                offset = piece.upperBound
            }
            try await Self.run(on: loop) { try publish(temporary, output, file.name.stored, of: workspace) }
        } catch {
            // Its row says that it goes; what is left here all the same is swept.
            _ = try? await Self.run(on: loop) { unlink(temporary) }
            throw error
        }
    }

    /// Makes the file durable, and gives it its name.
    private func publish(_ temporary: String, _ file: Descriptor, _ stored: String, of workspace: UUID) throws {
        guard fsync(file.number) == 0 else { throw SpoolFile.Failure("fsync") }
        let place = place(of: workspace)
        // Whoever removes the last file of a workspace removes its folder.
        for attempt in 1... {
            try Self.makeFolder(place)
            if rename(temporary, "\(place)/\(stored)") == 0 { break }
            guard errno == ENOENT, attempt < 5 else { throw SpoolFile.Failure("rename") }
        }
        try Self.synchronize(place)
        try Self.synchronize(folder)
    }

    func open(
        _ stored: String, of workspace: UUID, size: Int, range: Range<Int>, on loop: EventLoop
    ) async throws(FileStoreError) -> any HTTPByteSource {
        let path = "\(place(of: workspace))/\(stored)"
        let file = try await Self.run(on: loop) { () throws -> Descriptor? in
            let file: Descriptor
            do throws(SpoolFile.Failure) {
                file = try Descriptor(path, O_RDONLY)
            } catch {
                if error.code == ENOENT || error.code == ELOOP { return nil }
                throw error
            }
            var status = stat()
            guard fstat(file.number, &status) == 0 else { throw SpoolFile.Failure("stat") }
            return status.st_mode & S_IFMT == S_IFREG && status.st_size == size ? file : nil
        }
        guard let file else { throw FileStoreError(.missing, path) }
        return DescriptorSource(file.number, owner: file, range, on: loop)
    }

    func remove(_ stored: String, of workspace: UUID, on loop: EventLoop) async throws(FileStoreError) {
        let place = place(of: workspace)
        try await Self.run(on: loop) {
            for path in ["\(place)/\(stored)", "\(incoming)/\(stored)"] {
                guard unlink(path) == 0 || errno == ENOENT else { throw SpoolFile.Failure("unlink") }
            }
            // Only an empty one goes.
            rmdir(place)
        }
    }

    func sweep(on loop: EventLoop) async throws(FileStoreError) {
        try await Self.run(on: loop) {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: incoming) else { return }
            for name in names {
                var status = stat()
                let path = "\(incoming)/\(name)"
                guard lstat(path, &status) == 0, time(nil) - status.st_mtim.tv_sec > Self.leftoverAge else { continue }
                unlink(path)
            }
        }
    }

    // MARK: - The file system

    /// An open file, closed when nobody holds it any more.
    private final class Descriptor: Sendable {
        let number: Int32

        init(_ path: String, _ flags: Int32) throws(SpoolFile.Failure) {
            number = Foundation.open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if number < 0 { throw SpoolFile.Failure("open") }
        }

        deinit { if number >= 0 { close(number) } }
    }

    private static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SpoolFile.Failure("mkdir") }
    }

    /// Makes the names in a folder durable.
    private static func synchronize(_ path: String) throws {
        let folder = try Descriptor(path, O_RDONLY | O_DIRECTORY)
        guard fsync(folder.number) == 0 else { throw SpoolFile.Failure("fsync") }
    }

    private static func run<Value: Sendable>(
        on loop: EventLoop, _ work: @escaping @Sendable () throws -> Value
    ) async throws(FileStoreError) -> Value {
        switch await loop.blocking({ Result { try work() } }) {
        case .success(let value): return value
        case .failure(let error): throw FileStoreError(.unavailable, "\(error)")
        }
    }
}
