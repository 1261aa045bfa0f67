// Quotes a text so that the shell takes it as one word, whatever characters it has.
def shell_word(text) {
    return "'" + text.toString().replace("'", "'\\''") + "'"
}
