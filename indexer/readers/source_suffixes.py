"""The suffixes of files that hold source code or settings."""

# fmt: off
SOURCE_SUFFIXES = (
    ".py", ".pyi", ".pyx", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".svelte",
    ".java", ".kt", ".kts", ".scala", ".groovy", ".gradle", ".clj", ".cljs",
    ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".m", ".mm", ".cu", ".cs", ".fs",
    ".go", ".rs", ".swift", ".dart", ".zig", ".nim", ".d", ".v", ".sv", ".vhd", ".vhdl",
    ".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".tcl", ".f", ".f90", ".pas", ".ada", ".adb",
    ".hs", ".ml", ".mli", ".ex", ".exs", ".erl", ".elm", ".lisp", ".el", ".scm", ".rkt",
    ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".awk", ".vim",
    ".sql", ".proto", ".graphql", ".tf", ".cmake", ".mk", ".nix", ".sol",
    ".css", ".scss", ".less", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".properties",
    ".sty", ".cls", ".bib",
)
# fmt: on
