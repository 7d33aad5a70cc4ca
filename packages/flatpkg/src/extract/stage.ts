import { statfsSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { compareBom } from '../bom/of-component.ts';
import { asIoError, printable, refused, unsupported, usage } from '../errors.ts';
import { locationOf, type PartOptions } from '../list.ts';
import { componentsNamed, type OpenPackage, type ReadOptions, withPackage } from '../package.ts';
import { walkPayload } from '../payload/walk.ts';
import type { Component } from '../pkginfo.ts';
import { type CommitResult, commitPlan } from './commit.ts';
import { type LocatedEntry, makePlan, type Plan, type PlanOptions, type StagedEntry } from './plan.ts';
import { StagingFolder } from './staging.ts';
import type { StepHook } from './steps.ts';
import { realRoot, Target } from './target.ts';
import { StagedWriter } from './writer.ts';

/** How to extract. */
export interface ExtractOptions extends PartOptions, ReadOptions {
  /** Target root folder on this machine; must exist. */
  root: string;
  /** Apply the recorded owners; by default only when running as root. */
  preserveOwners?: boolean;
  /**
   * Keep setuid and setgid bits, where the recorded owners are applied: with another owner they would lend out whoever
   * extracts. By default they are dropped with a warning.
   */
  allowSetuid?: boolean;
  /** Fixed name of the staging folder under the root, so that `recoverStaging` finds it; default random. */
  stagingName?: string;
}

/** Not for users of the package: what the callers inside of it, and tests, may change as well. */
export interface StageInternals {
  /** Takes the place of the install location of each component. */
  locate?: (component: Component, several: boolean) => string;
  /** Flush every file; default true. */
  durable?: boolean;
  onStep?: StepHook;
}

/** A package verified and unpacked beside the target, which has not been touched yet. */
export interface StagedExtraction {
  /** All entries of the payload, AppleDouble files left out, with the places they will have. */
  entries: StagedEntry[];
  /** The staging folder on this machine. */
  stagingDir: string;
  warnings: string[];
  /** Moves everything into place, or leaves all as it was and throws. To be called once. */
  commit(): Promise<CommitResult>;
  /** Removes the staging with nothing changed. Does nothing after a commit. */
  rollback(): Promise<void>;
}

/**
 * Verifies a package and unpacks its payload into a fresh private folder under the root; nothing else of the target is
 * touched. A package without a payload stages nothing. On any failure the staging folder is gone when this throws.
 * Throws FlatpkgError, or the reason of the signal. A FileHandle stays open.
 */
export async function stage(file: string | FileHandle, options: ExtractOptions): Promise<StagedExtraction> {
  return stageWith(file, options, {});
}

/** `stage` with its inner switches. */
export async function stageWith(
  file: string | FileHandle,
  options: ExtractOptions,
  internals: StageInternals,
): Promise<StagedExtraction> {
  options.signal?.throwIfAborted();
  const hostRoot = realRoot(options.root);
  const staging = new StagingFolder(hostRoot, options.stagingName ?? StagingFolder.randomName());
  const preserveOwners = options.preserveOwners ?? process.getuid?.() === 0;
  const plan = {
    modeMask: options.allowSetuid === true && preserveOwners ? 0o7777 : 0o1777,
    preserveOwners,
  };
  const onStep = internals.onStep ?? (() => {});
  return withPackage(file, options, async (pkg) => {
    // Only who says where its files go, to look at them, gets those of a bundle: machines do not.
    if (pkg.format === 'bundle' && internals.locate === undefined) {
      throw unsupported('BUNDLE', 'bundle-style packages are read, not deployed; repack it as a flat package');
    }
    onStep('staging');
    staging.create();
    try {
      const staged = await unpack(pkg, staging, { hostRoot, options, plan, internals });
      onStep('staged');
      const first = makePlan(new Target(hostRoot, staging.name), staged, plan);
      for (const place of first.overlaps) {
        pkg.warnings.add('overlap', `${printable(place)}: two components bring this file, the last one counts`);
      }
      const warnings = pkg.warnings.list();
      return new Extraction({ hostRoot, staging, staged, plan: first, options: plan, warnings, onStep });
    } catch (error) {
      staging.remove();
      throw asIoError(error, 'unpacking the package');
    }
  });
}

interface UnpackContext {
  hostRoot: string;
  options: ExtractOptions;
  plan: PlanOptions;
  internals: StageInternals;
}

/** Verifies every member and writes the payloads to the staging folder. */
async function unpack(pkg: OpenPackage, staging: StagingFolder, context: UnpackContext): Promise<LocatedEntry[]> {
  const { hostRoot, options, plan, internals } = context;
  const { archive, budget, warnings } = pkg;
  const { signal, part = 'payload' } = options;
  const components = componentsNamed(pkg, options.component);
  const disk = statfsSync(hostRoot);
  const spaceBytes = disk.bavail * disk.bsize - budget.limits.reserveBytes;
  const writer = new StagedWriter(staging, { ...plan, durable: internals.durable ?? true, spaceBytes, warnings });
  const located: LocatedEntry[] = [];
  try {
    for (const [number, component] of components.entries()) {
      const member = component[part];
      if (member === null) continue;
      const own = locationOf(component.info, part);
      const entries = await walkPayload(archive, member, writer, { budget, location: own, warnings, signal });
      if (part === 'payload') await compareBom(pkg, component, entries);
      const { identifier } = component.info;
      const several = pkg.components.length > 1 && options.component === undefined;
      const location = internals.locate?.(component.info, several) ?? own;
      for (const item of writer.take()) located.push({ ...item, component: identifier, part: number, location });
    }
    await archive.verifyRest(signal);
    await writer.finish();
    return located;
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

interface ExtractionParts {
  hostRoot: string;
  staging: StagingFolder;
  staged: readonly LocatedEntry[];
  plan: Plan;
  options: PlanOptions;
  warnings: string[];
  onStep: StepHook;
}

class Extraction implements StagedExtraction {
  readonly entries: StagedEntry[];
  readonly stagingDir: string;
  readonly warnings: string[];
  readonly #parts: ExtractionParts;
  #state: 'staged' | 'committed' | 'gone' = 'staged';

  constructor(parts: ExtractionParts) {
    this.#parts = parts;
    this.entries = parts.plan.entries;
    this.stagingDir = parts.staging.path;
    this.warnings = parts.warnings;
  }

  async commit(): Promise<CommitResult> {
    if (this.#state !== 'staged') throw usage('COMMIT', 'this extraction has been committed or rolled back already');
    const { hostRoot, staging, staged, options, onStep } = this.#parts;
    this.#state = 'gone';
    const target = new Target(hostRoot, staging.name);
    let plan: Plan;
    try {
      plan = this.#planAgain(target, staged, options);
    } catch (error) {
      staging.remove();
      throw asIoError(error, 'looking at the target');
    }
    const result = commitPlan(target, staging, plan, onStep);
    this.#state = 'committed';
    return result;
  }

  async rollback(): Promise<void> {
    if (this.#state !== 'staged') return;
    this.#state = 'gone';
    try {
      this.#parts.staging.remove();
    } catch (error) {
      throw asIoError(error, 'removing the staging folder');
    }
  }

  /** Much may have happened to the target since it was staged; what was promised about places must still hold. */
  #planAgain(target: Target, staged: readonly LocatedEntry[], options: PlanOptions): Plan {
    const plan = makePlan(target, staged, options);
    plan.entries.forEach((entry, index) => {
      if (entry.absolute !== this.entries[index]?.absolute) {
        throw refused('TARGET_CHANGED', 'would lie elsewhere now than when it was staged', entry.path);
      }
    });
    return plan;
  }
}
