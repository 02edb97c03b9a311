/// Programs that a kernel may lack the hook of: what they do is done by others there, or is a gap in the coverage.
public enum OptionalPrograms {
    public static let names: Set<String> = [
        // 6.6 and stable kernels since; before, file_ioctl sees calls of the 32-bit ABI too.
        "swguard_file_ioctl_compat",
        // 6.7; before, overlayfs asks by mnt_want_write.
        "swguard_mnt_get_write_access",
        // 6.2; before, ACLs are extended attributes.
        "swguard_inode_set_acl", "swguard_inode_remove_acl",
    ]
}
