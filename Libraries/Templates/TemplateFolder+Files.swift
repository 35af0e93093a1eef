import Foundation

extension TemplateFolder {
    /// Every regular file of a template, in order of paths, `.git` left out.
    ///
    /// Links to files inside the templates' folder are read; other links, and links to folders, are left out: copies of
    /// them could be endless, or contain foreign files.
    func files(of name: String) throws(TemplateError) -> [TemplateFile] {
        guard let folder = folder(named: name) else { throw .unknown }
        var collected = Collected()
        try collect(folder, below: "", depth: 1, into: &collected)
        return collected.files
    }

    private struct Collected {
        var files: [TemplateFile] = []
        var bytes = 0
    }

    private func collect(
        _ folder: String, below prefix: String, depth: Int, into collected: inout Collected
    ) throws(TemplateError) {
        guard depth <= limits.depth, let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw .unreadable(path: prefix)
        }
        for name in names.sorted() where name != ".git" {
            let (path, relative) = ("\(folder)/\(name)", prefix + name)
            switch Self.kind(of: path) {
            case S_IFDIR: try collect(path, below: relative + "/", depth: depth + 1, into: &collected)
            case S_IFREG: try add(path, as: relative, to: &collected)
            case S_IFLNK:
                guard let target = inside(path), Self.kind(of: target) == S_IFREG else { continue }
                try add(target, as: relative, to: &collected)
            default: continue
            }
        }
    }

    private func add(_ path: String, as relative: String, to collected: inout Collected) throws(TemplateError) {
        guard collected.files.count < limits.files else { throw .tooManyFiles(limit: limits.files) }
        let remaining = limits.bytes - collected.bytes
        guard let bytes = BoundedFile.read(path, upTo: remaining + 1) else { throw .unreadable(path: relative) }
        guard bytes.count <= remaining else { throw .tooLarge(limit: limits.bytes) }
        collected.bytes += bytes.count
        collected.files.append(TemplateFile(path: relative, bytes: bytes))
    }

    /// The bits of `S_IFMT`, links not followed; 0 when it is gone.
    private static func kind(of path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
    }
}

/// Reads files whose size is not to be trusted.
enum BoundedFile {
    /// The first bytes of a regular file whose path has no link at its end.
    ///
    /// - Returns: at most `limit` bytes; `nil` for what is no such file.
    static func read(_ path: String, upTo limit: Int) -> [UInt8]? {
        // Without O_NONBLOCK opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < limit {
            let count = Foundation.read(descriptor, &buffer, min(buffer.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}
