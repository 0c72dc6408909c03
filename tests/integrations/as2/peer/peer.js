"use strict";
// Another station: `node peer.js build|answer|receipt JOB.json`, the files named in the job.
const fs = require("fs");
const { AS2Composer, AS2Parser } = require("libas2");

const job = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
const url = "http://127.0.0.1/as2";
const agreement = {
  host: {
    name: job.own_id,
    id: job.own_id,
    url,
    certificate: fs.readFileSync(job.cert),
    privateKey: fs.readFileSync(job.key),
    decrypt: job.decrypt !== false,
    sign: job.sign,
    mdn: job.want_receipt ? { async: false, signing: "sha-256" } : undefined,
  },
  partner: {
    name: job.partner_id,
    id: job.partner_id,
    url,
    file: "EDIFACT",
    certificate: fs.readFileSync(job.partner_cert),
    encrypt: job.encrypt,
    verify: job.verify !== false,
    mdn: { signing: false },
  },
};

const actions = {
  async build() {
    const composer = new AS2Composer({
      message: {
        filename: "orders.edi",
        content: fs.readFileSync(job.payload),
        contentType: "application/EDIFACT",
      },
      agreement,
    });
    const message = await composer.compile();
    fs.writeFileSync(job.out, await message.build());
  },

  async answer() {
    const message = await AS2Parser.parse(fs.readFileSync(job.message));
    const { contentNode, dispositionNode, disposition } = await message.dispositionOut({ agreement });
    fs.writeFileSync(job.out, await dispositionNode.build());
    const content = contentNode && contentNode.content;
    process.stdout.write(
      JSON.stringify({
        payload: content ? Buffer.from(content).toString("base64") : "",
        notification: disposition.notification,
      })
    );
  },

  async receipt() {
    const message = await AS2Parser.parse(fs.readFileSync(job.message));
    const signed = job.verify === false ? undefined : { cert: agreement.partner.certificate };
    process.stdout.write(JSON.stringify((await message.dispositionIn(signed)).notification));
  },
};

actions[process.argv[2]]().catch((error) => {
  process.stderr.write(String(error && error.stack));
  process.exit(1);
});
