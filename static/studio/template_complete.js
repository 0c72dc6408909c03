/* Completion of Jinja tags in the HTML editor: variables after {{, statements after {%, filters after |. */
"use strict";

window.StudioComplete = (() => {
    // No blanks in the captions: a blank typed after {% must close the list, for the next letter to open it anew.
    const STATEMENTS = [
        ["if", "if ${1:name} %}${2:text}{% endif", "show it when there is a value"],
        ["if-else", "if ${1:name} %}${2:text}{% else %}${3:other}{% endif", "one of two"],
        ["if-defined", "if ${1:name} is defined %}${2:text}{% endif", "when the record has it"],
        ["for", "for ${1:item} in ${2:items} %}\n${3:{{ item \\}\\}}\n{% endfor", "once for each of a list"],
        ["set", "set ${1:name} = ${2:value}", "a name of your own"],
        ["else", "else", ""],
        ["elif", "elif ${1:name}", ""],
        ["endif", "endif", ""],
        ["endfor", "endfor", ""],
    ];
    const ARGUMENTS = {
        default: 'default("${1:there}")',
        date: 'date("${1:%d %B %Y}")',
        number: "number(${1:2})",
        round: "round(${1:1})",
        truncate: "truncate(${1:80})",
        replace: 'replace("${1:a}", "${2:b}")',
        join: 'join("${1:, }")',
    };

    // What the tag around the cursor asks for; null outside of tags.
    function place(session, { row, column }) {
        const lines = session.getLines(Math.max(0, row - 4), row);
        lines[lines.length - 1] = lines[lines.length - 1].slice(0, column);
        const text = lines.join("\n");
        const at = Math.max(text.lastIndexOf("{{"), text.lastIndexOf("{%"));
        const inside = at < 0 ? "" : text.slice(at + 2);
        if (at < 0 || /[%}]\}/.test(inside)) return null;
        if (/\|\s*\w*$/.test(inside)) return "filter";
        if (text[at + 1] === "%") return /^[-+]?\s*\w*$/.test(inside) ? "statement" : "name";
        return "name";
    }

    function close(session, { row, column }, end) {
        const after = session.getLine(row).slice(column);
        return /^\s*[%}]?\}/.test(after) ? "" : ` ${end}`;
    }

    function completer(groups, filters) {
        return {
            id: "studio",
            identifierRegexps: [/[\w.]/],
            triggerCharacters: ["{", "%", "|", "."],
            getCompletions(editor, session, position, prefix, answer) {
                const wanted = place(session, position);
                const before = session.getLine(position.row).slice(0, position.column - prefix.length);
                const blank = /\{[{%]$/.test(before) ? " " : "";
                if (wanted === "filter") {
                    answer(null, filters.map((name) => ({
                        caption: name, snippet: ARGUMENTS[name] ?? name, meta: "filter", score: 10,
                    })));
                } else if (wanted === "statement") {
                    const end = close(session, position, "%}");
                    answer(null, STATEMENTS.map(([caption, snippet, docText], order) => ({
                        caption, snippet: `${blank}${snippet}${end}`, meta: "tag", docText, score: 100 - order,
                    })));
                } else if (wanted === "name") {
                    const isValue = before.lastIndexOf("{{") > before.lastIndexOf("{%");
                    const end = isValue ? close(session, position, "}}") : "";
                    answer(null, groups().flatMap((group, order) => group.names.map((entry) => ({
                        caption: entry.name, value: `${blank}${entry.name}${end}`, meta: group.title,
                        docText: [entry.hint, entry.wins].filter(Boolean).join("\n"), score: 100 - order,
                    }))));
                } else {
                    answer(null, []);
                }
            },
        };
    }

    function attach(editor, groups) {
        const filters = JSON.parse(document.getElementById("template-filters").textContent);
        window.ace.require("ace/ext/language_tools");
        const own = [completer(groups, filters)];
        editor.setOptions({
            enableBasicAutocompletion: own,
            enableLiveAutocompletion: own,
            enableKeyboardAccessibility: true, // Escape leaves the editor: Tab indents in it
        });
    }

    return { attach };
})();
