/* How long an SMS is on the wire: the same as omnichannel/sms_text.py, by the table it gives. */
"use strict";

window.smsSize = (text, { basic, extended, room, named }) => {
    const [septets, escaped] = [new Set(basic), new Set(extended)];
    const chars = [...text]; // a surrogate pair is one of them
    const isGsm = (char) => septets.has(char) || escaped.has(char);
    const reasons = [...new Set(chars.filter((char) => !isGsm(char)))].slice(0, named);
    const encoding = reasons.length ? "UCS-2" : "GSM-7";
    const takes = (char) => (reasons.length ? char.length : escaped.has(char) ? 2 : 1);
    const units = chars.reduce((sum, char) => sum + takes(char), 0);
    const [alone, joined] = room[encoding];
    if (units <= alone) {
        return { encoding, units, parts: Math.min(units, 1), left: alone - units, reasons };
    }
    let [parts, used] = [1, 0];
    for (const char of chars) {
        if (used + takes(char) > joined) [parts, used] = [parts + 1, 0];
        used += takes(char);
    }
    return { encoding, units, parts, left: joined - used, reasons };
};
