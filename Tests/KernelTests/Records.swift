import CSwguardBPF
import Foundation

extension NamePairRecord {
    /// Both names, padded with NUL.
    init(directory: String, name: String) {
        self.init()
        withUnsafeMutableBytes(of: &self.directory) { $0.copyBytes(from: directory.utf8) }
        withUnsafeMutableBytes(of: &self.name) { $0.copyBytes(from: name.utf8) }
    }
}

func inode(of path: String) -> UInt64 {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
}
