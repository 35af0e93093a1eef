import Foundation

/// Reads `TEMPLATES_DIR`. Blocking: to be called off the loops.
///
/// Every file that is opened lies inside the folder once all links are resolved.
struct TemplateFolder: Sendable {
    /// As it was configured.
    let path: String
    var limits = Limits()

    struct Limits: Sendable {
        var templates = 1000
        var files = 1000
        /// Of a template's files together.
        var bytes = 16 << 20
        var depth = 16
    }

    /// The result of reading the folder.
    struct Listing: Sendable {
        var templates: [Template] = []
        /// What was ignored and why; `nil` stands for the folder itself.
        var warnings: [Warning] = []
    }

    struct Warning: Sendable, Hashable {
        let template: String?
        let reason: String
    }

    func list() -> Listing {
        var listing = Listing()
        guard let root, let names = try? FileManager.default.contentsOfDirectory(atPath: root) else {
            listing.warnings.append(Warning(template: nil, reason: "the folder cannot be read"))
            return listing
        }
        let visible = names.filter { !$0.hasPrefix(".") }.sorted()
        if visible.count > limits.templates {
            listing.warnings.append(Warning(template: nil, reason: "more than \(limits.templates) entries"))
        }
        for name in visible.prefix(limits.templates) {
            guard let template = template(named: name, warnings: &listing.warnings) else { continue }
            listing.templates.append(template)
        }
        return listing
    }

    /// Files beside the templates' folders are ignored; links that lead out of the folder are reported.
    private func template(named name: String, warnings: inout [Warning]) -> Template? {
        guard let folder = folder(named: name) else {
            if Self.isLink("\(path)/\(name)") {
                warnings.append(Warning(template: name, reason: "leads out of the folder, or nowhere"))
            }
            return nil
        }
        var found: [Warning] = []
        let configuration = configuration(in: folder) { found.append(Warning(template: name, reason: $0)) }
        warnings += found
        return Template(name: name, configuration: configuration)
    }

    private func configuration(in folder: String, warn: (String) -> Void) -> TemplateConfiguration {
        let path = "\(folder)/config.yaml"
        guard let file = inside(path) else {
            warn("config.yaml: \(Self.isLink(path) ? "leads out of the folder, or nowhere" : "is missing")")
            return TemplateConfiguration()
        }
        let reader = YAMLReader()
        do {
            guard let bytes = BoundedFile.read(file, upTo: reader.maximumBytes + 1) else {
                warn("config.yaml: cannot be read")
                return TemplateConfiguration()
            }
            guard let yaml = try reader.read(bytes) else { return TemplateConfiguration() }
            return TemplateConfiguration(yaml, warn: warn)
        } catch {
            warn("config.yaml: \(error)")
            return TemplateConfiguration()
        }
    }

    /// The real path of a template's folder.
    ///
    /// - Returns: `nil` for a name that is no single visible entry, and for what leads out of the templates' folder.
    func folder(named name: String) -> String? {
        guard !name.isEmpty, name.utf8.count <= 255, !name.hasPrefix("."), !name.contains("/"), !name.contains("\\"),
            !name.utf8.contains(0), let root, let folder = inside("\(root)/\(name)")
        else { return nil }
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) && isFolder.boolValue
            ? folder : nil
    }

    /// The real path of something, when that is below the templates' folder.
    func inside(_ path: String) -> String? {
        guard let root, let real = Self.realPath(path), real.hasPrefix(root + "/") else { return nil }
        return real
    }

    private var root: String? { Self.realPath(path) }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}
