#!/usr/bin/env bash
# Trains on two machines with four GPUs each, from the root of a set-up checkout:
#   sbatch docs/examples/slurm.sh [CONFIG [OPTIONS OF fit]]
# CONFIG is lightning_modules/configs/sam.yaml unless given. Another size of job is options of sbatch, and
# no GPU is (docs/distributed.md):
#   sbatch --nodes=2 --ntasks-per-node=1 --gres=none docs/examples/slurm.sh CONFIG \
#     --trainer.accelerator cpu --trainer.sync_batchnorm false
# Lightning's SLURMEnvironment reads ranks and addresses from srun. 90 s before the time is up Slurm
# sends SIGUSR1: `fit` saves a checkpoint, puts the job into the queue again, and ends; when the job's turn
# comes it goes on from the run folder. That must lie on a disk that all machines share.
#SBATCH --job-name=ersam
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gres=gpu:4
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --signal=SIGUSR1@90
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=ersam-%j.log

set -euo pipefail
if [ -z "${SLURM_NTASKS_PER_NODE:-}" ] || [ -z "${SLURM_JOB_NUM_NODES:-}" ]; then
  echo "error: $0: SLURM_NTASKS_PER_NODE or SLURM_JOB_NUM_NODES is not set; give this to sbatch, with --nodes and" \
    "--ntasks-per-node" >&2
  exit 2
fi
config=${1:-lightning_modules/configs/sam.yaml}
source .venv/bin/activate

# One folder for the decoded speech of all processes.
export ERSAM_CACHE="${ERSAM_CACHE:-$PWD/.cache/ersam}"
# Since Slurm 22.05 srun does not take this over from sbatch: each task would have one core.
export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}"

srun python -m lightning_modules fit --config "$config" \
  --trainer.accelerator gpu --trainer.devices "$SLURM_NTASKS_PER_NODE" \
  --trainer.num_nodes "$SLURM_JOB_NUM_NODES" \
  --trainer.strategy ddp_find_unused_parameters_true --trainer.precision bf16-mixed \
  --trainer.sync_batchnorm true --trainer.default_root_dir "runs/$(basename "$config" .yaml)" "${@:2}"
