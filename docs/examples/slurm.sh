#!/usr/bin/env bash
# Trains sam.yaml on two machines with four GPUs each, from the root of a set-up checkout:
#   sbatch docs/examples/slurm.sh
# Lightning's SLURMEnvironment reads ranks and addresses from srun. 90 s before the time is up Slurm
# sends SIGUSR1: Lightning saves a checkpoint and puts the job into the queue again, and `fit` goes
# on from the run folder (docs/distributed.md). The run folder must lie on a shared disk.
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
source .venv/bin/activate

# One process prepares the speech before the others read it.
export ERSAM_CACHE="$PWD/.cache/ersam"

srun python -m lightning_modules fit --config lightning_modules/configs/sam.yaml \
  --trainer.accelerator gpu --trainer.devices 4 --trainer.num_nodes "$SLURM_JOB_NUM_NODES" \
  --trainer.strategy ddp_find_unused_parameters_true --trainer.precision bf16-mixed \
  --trainer.sync_batchnorm true --trainer.default_root_dir runs/sam
