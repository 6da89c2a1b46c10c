/** Programs that render and validate manifests. They are kept in node_modules/.cache. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findCommand } from "../../support/process/child-process.ts";
import { projectRoot } from "../../support/project-root.ts";

const run = promisify(execFile);
const cache = join(projectRoot, "node_modules", ".cache", "deploy");
const kustomizeVersion = "v5.8.2";
/** It contains the schemas of Kubernetes. */
const validatorVersion = "1.37.0";
const kustomizeFolder = join(cache, `kustomize-${kustomizeVersion}`);
const kustomize = join(kustomizeFolder, "kustomize");
const venv = join(cache, `kubernetes-validate-${validatorVersion}`);
const validator = join(venv, "bin", "kubernetes-validate");

/** Whether Go and Python are installed, which install the programs. If not, prints what is skipped. */
export function canInstallTools(): boolean {
  const skipped = "the manifests for Kubernetes";
  const hasGo = findCommand(["go"], { argument: "version", skipped }) !== undefined;
  return hasGo && findCommand(["python3"], { skipped }) !== undefined;
}

/** Installs the programs that are missing. */
export async function installTools(): Promise<void> {
  if (!existsSync(kustomize)) {
    const env = { ...process.env, GOBIN: kustomizeFolder };
    await run("go", ["install", `sigs.k8s.io/kustomize/kustomize/v5@${kustomizeVersion}`], { env });
  }
  if (!existsSync(validator)) {
    await run("python3", ["-m", "venv", venv]);
    const options = ["--quiet", "--disable-pip-version-check"];
    const packages = [`kubernetes-validate==${validatorVersion}`];
    await run(join(venv, "bin", "python"), ["-m", "pip", "install", ...options, ...packages]);
  }
}

/** Renders a folder with a kustomization.yaml, as `kubectl apply -k` does. */
export async function render(folder: string): Promise<string> {
  return (await run(kustomize, ["build", join(projectRoot, folder)])).stdout;
}

/** Validates manifests of Kubernetes' own kinds for a version of Kubernetes, and resolves with what is wrong. */
export async function validate(manifests: string, version: string): Promise<string> {
  const validating = run(validator, ["--strict", "--quiet", "-k", version, "-"]);
  validating.child.stdin?.end(manifests);
  return await validating.then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: { readonly stdout: string; readonly message: string }) => error.stdout || error.message,
  );
}
